import * as z from "zod";
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
export const duration = z.string().max(32).regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/, "must be a duration such as 5m or 1h30m");

/** A duration that the API server holds between the two. */
export function durationBetween(shortest: string, longest: string): typeof duration {
  const within = `duration(self) >= duration('${shortest}') && duration(self) <= duration('${longest}')`;
  return duration.meta(rules([within, `must be from ${shortest} to ${longest}`]));
}
