import * as z from "zod";
import { METERS } from "../../common/meters.ts";
import { listMap, rules } from "./structural.ts";

/** Metadata that the controller reads of its own resources; the API server has checked the rest. */
export const objectMeta = z.looseObject({
  name: z.string().min(1),
  namespace: z.string().min(1),
  uid: z.string().min(1),
  resourceVersion: z.string().optional(),
  generation: z.int().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  finalizers: z.array(z.string()).optional(),
});
export type Meta = z.output<typeof objectMeta>;

/** metav1.Condition. */
export const condition = z.strictObject({
  type: z.string().min(1).max(316).describe("What it is about."),
  status: z.enum(["True", "False", "Unknown"]).describe("Whether it is so."),
  reason: z.string().min(1).max(1_024).describe("Why, in one word."),
  message: z.string().max(32_768).describe("Why, in a sentence."),
  observedGeneration: z.int().min(0).optional().describe("Generation of the spec that it speaks of."),
  lastTransitionTime: z.string().meta({ format: "date-time" }).describe("When its status changed."),
});
export type Condition = z.output<typeof condition>;

export const conditions = z.array(condition).max(16).default([]).meta(listMap("type")).describe("What is so, and why.");

/** DNS label: agents, grants, budgets and policies have no dot in their names, so that `namespace.name` can be read one way only. */
export const label = z.string().min(1).max(63).regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, "must be a DNS label");
export const quantity = z.union([z.string(), z.number()]).describe("A Kubernetes quantity, such as `500m` or `1Gi`.");
/** An amount of a meter as people write it: a whole number, or a text, because numbers of Kubernetes have no decimals. */
export const amount = z.union([z.number().int().min(0).max(Number.MAX_SAFE_INTEGER), z.string().max(30).regex(/^\d{1,19}(\.\d{1,9})?$/, "must be digits, for usd with at most nine decimals")])
  .meta({ pattern: "^[0-9]{1,19}([.][0-9]{1,9})?$" });
const COUNTS = METERS.filter((meter) => meter !== "usd");

/** What a thread may use at most in its life, by meter; meters that are absent have no such cap. Fields of their own, because rules over a map cost the API server too much. */
export const allowance = z.strictObject({
  usd: z.string().max(20).regex(/^[0-9]{1,10}(\.[0-9]{1,9})?$/, "must be dollars with at most nine decimals").optional().describe("Dollars, as a text: `\"2.00\"`."),
  ...Object.fromEntries(COUNTS.map((meter) => [meter, z.int().min(0).optional().describe(`In ${meter === "seconds" ? "seconds" : meter.replaceAll("-", " ")}.`)])) as Readonly<Record<(typeof COUNTS)[number], z.ZodOptional<z.ZodInt>>>,
});
export type AllowanceSpec = z.output<typeof allowance>;
export const duration = z.string().max(32).regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/, "must be a duration such as 5m or 1h30m");

/** A duration that the API server holds between the two. */
export function durationBetween(shortest: string, longest: string): typeof duration {
  const within = `duration(self) >= duration('${shortest}') && duration(self) <= duration('${longest}')`;
  return duration.meta(rules([within, `must be from ${shortest} to ${longest}`]));
}
