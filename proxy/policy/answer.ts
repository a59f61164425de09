import * as z from "zod";
import { EgressError } from "../errors.ts";
import type { Decision, Obligations } from "../model/decision.ts";
import { unreachable } from "../../common/unreachable.ts";
import type { Question } from "./policy-engine.ts";

const rule = z.string().min(1).max(200);
const name = z.string().min(1).max(200);

const allow = z.strictObject({
  allow: z.literal(true),
  rule,
  grants: z.array(name).max(8),
  budgets: z.array(name).max(16),
  obligations: z.strictObject({
    max_request_bytes: z.number().int().positive().optional(),
    max_response_bytes: z.number().int().positive().optional(),
  }),
});
/** A connection's allow says whether its bytes are read; leaving that out is not an answer. */
const allowConnection = allow.extend({ handling: z.enum(["intercept", "tunnel"]) });
const deny = z.strictObject({ allow: z.literal(false), rule, reason: z.string().min(1).max(4_000), hint: z.string().max(4_000) });

/** Exactly one result with exactly these keys: `[]`, `[{}]`, `{allow: "true"}`, two results, one key more … are no answers. */
const resultSet = <T extends z.ZodType>(answer: T) => z.tuple([z.strictObject({ result: answer })]);
const connectionAnswer = resultSet(z.discriminatedUnion("allow", [allowConnection, deny]));
const otherAnswer = resultSet(z.discriminatedUnion("allow", [allow, deny]));

/**
 * Reads what the policy answered. Only the literal `true` allows.
 * @param answer the result set of one evaluation
 * @throws EgressError `policy.unavailable` for every other shape
 */
export function readDecision(question: Question, answer: unknown, revision: string): Decision {
  switch (question) {
    case "connection": {
      const [{ result }] = accepted(connectionAnswer.safeParse(answer));
      return result.allow ? { ...permission(result, revision), handling: result.handling } : refusal(result, revision);
    }
    case "exchange":
    case "name": {
      const [{ result }] = accepted(otherAnswer.safeParse(answer));
      return result.allow ? { ...permission(result, revision), handling: "intercept" } : refusal(result, revision);
    }
    default:
      return unreachable(question);
  }
}

function accepted<T>(parsed: z.ZodSafeParseResult<T>): T {
  if (!parsed.success) throw new EgressError("policy.unavailable", "the policy's answer does not have the agreed shape", { cause: parsed.error });
  return parsed.data;
}

function permission(result: z.output<typeof allow>, revision: string) {
  return { kind: "allow", rule: result.rule, grants: result.grants, budgets: result.budgets, obligations: obligations(result.obligations), revision } as const;
}

function refusal(result: z.output<typeof deny>, revision: string): Decision {
  return { kind: "deny", rule: result.rule, reason: result.reason, hint: result.hint, revision };
}

function obligations(from: z.output<typeof allow>["obligations"]): Obligations {
  return {
    ...(from.max_request_bytes === undefined ? {} : { maxRequestBytes: from.max_request_bytes }),
    ...(from.max_response_bytes === undefined ? {} : { maxResponseBytes: from.max_response_bytes }),
  };
}
