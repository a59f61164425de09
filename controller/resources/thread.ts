import * as z from "zod";
import { allowance, conditions, label, objectMeta } from "./meta.ts";
import { LIST_SET, rules } from "./structural.ts";

export const THREAD_PHASES = ["Idle", "Waiting", "Starting", "Running", "Stopping", "Paused"] as const;
export type ThreadPhase = (typeof THREAD_PHASES)[number];

/** CEL for an optional field that never changes, not even from or to absent. */
const fixed = (field: string) => [
  `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`, `${field} is fixed when the thread is created`,
] as const;

/** A conversation with one agent. Everything in the spec but `title`, `paused` and `stopRequestedAt` is fixed at creation. */
export const threadSpec = z.strictObject({
  agent: label.describe("Agent of this namespace."),
  user: z.string().min(1).max(253).describe("On whose behalf the thread runs; policy and audit see it. The API sets it to the caller."),
  title: z.string().max(200).optional().describe("What people call it."),
  parent: z.strictObject({ name: label.describe("Thread of this namespace that spawned this one."), uid: z.string().min(1).max(64).describe("UID of that thread.") }).optional()
    .describe("Thread that spawned this one."),
  chain: z.array(z.string().max(253)).max(16).default([]).describe("Agents that spawned this one, outermost first, each `namespace/agent/thread`."),
  grants: z.array(label).max(32).optional().meta(LIST_SET).describe("The most that its instance may be lent; absent: what its Agent holds."),
  allowance: allowance.optional().describe("What it may use at most in its life, by meter, as in `{usd: \"2.00\"}`; what its own children use is charged to it too. Absent: no more than its budgets say."),
  chainAllowances: z.array(allowance).max(16).optional().describe("The allowances of the threads in `chain`, in its order."),
  paused: z.boolean().default(false).describe("True keeps it from having an instance; messages are still taken."),
  stopRequestedAt: z.iso.datetime({ offset: true }).optional().describe("An instance that started before this time is stopped. It does not go back."),
}).meta(rules(
  ...["agent", "user", "parent", "chain", "grants", "allowance", "chainAllowances"].map(fixed),
  ["!has(self.chainAllowances) || (has(self.chain) && self.chainAllowances.size() == self.chain.size())", "chainAllowances has an entry for each thread in chain"],
  ["!has(oldSelf.stopRequestedAt) || !has(self.stopRequestedAt) || self.stopRequestedAt >= oldSelf.stopRequestedAt", "stopRequestedAt does not go back"],
)).describe("A conversation with one agent. Everything but `title`, `paused` and `stopRequestedAt` is fixed at creation.");
export type ThreadSpec = z.output<typeof threadSpec>;

export const threadStatus = z.strictObject({
  observedGeneration: z.int().optional().describe("Generation of the spec that the status speaks of."),
  phase: z.enum(THREAD_PHASES).optional().describe("Where it stands, in a word."),
  instance: z.string().optional().describe("Name of the pod that serves it."),
  instanceUid: z.string().optional().describe("UID of that pod."),
  unread: z.int().optional().describe("Messages to the agent that it has not acknowledged."),
  spent: z.string().optional().describe("Cost so far, in US dollars."),
  lastActivity: z.string().optional().meta({ format: "date-time" }).describe("Last egress, message or keep-alive."),
  attempts: z.int().optional().describe("Failed starts in a row."),
  nextAttemptAt: z.string().optional().meta({ format: "date-time" }).describe("When the next start is tried."),
  conditions,
});
export type ThreadStatus = z.output<typeof threadStatus>;

export const thread = z.looseObject({ metadata: objectMeta, spec: threadSpec, status: threadStatus.partial().optional() });
export type Thread = z.output<typeof thread>;
