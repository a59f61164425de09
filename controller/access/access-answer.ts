import * as z from "zod";
import { AccessUnavailable } from "./access.ts";

const rule = z.string().min(1).max(200);
const allow = z.strictObject({ allow: z.literal(true), rule, grants: z.array(z.string().min(1).max(63)).max(32).nullable() });
const deny = z.strictObject({ allow: z.literal(false), rule, reason: z.string().min(1).max(4_000), hint: z.string().min(1).max(4_000) });

/** Exactly one result of exactly one of two shapes. */
const answer = z.tuple([z.strictObject({ result: z.discriminatedUnion("allow", [allow, deny]) })]);
export type AccessAnswer = z.output<typeof allow> | z.output<typeof deny>;

/** Only the literal true allows. @throws AccessUnavailable for every other shape than the two agreed ones */
export function readAccessAnswer(result: unknown): AccessAnswer {
  const parsed = answer.safeParse(result);
  if (!parsed.success) throw new AccessUnavailable("the answer of the access policy does not have the agreed shape", { cause: parsed.error });
  return parsed.data[0].result;
}
