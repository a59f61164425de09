import * as z from "zod";
import { condition, label, objectMeta } from "./meta.ts";

export const THREAD_PHASES = ["Idle", "Waiting", "Starting", "Running", "Stopping", "Paused"] as const;
export type ThreadPhase = (typeof THREAD_PHASES)[number];

/** A conversation with one agent. Everything in the spec but `paused` and `stopRequestedAt` is fixed at creation. */
export const threadSpec = z.strictObject({
  agent: label.describe("Agent of this namespace."),
  user: z.string().min(1).max(253).describe("On whose behalf the thread runs; policy and audit see it. The API sets it to the caller."),
  title: z.string().max(200).optional(),
  parent: z.strictObject({ name: label.describe("Thread of this namespace that spawned this one."), uid: z.string().min(1).max(64) }).optional(),
  chain: z.array(z.string().max(253)).max(16).default([]).describe("Agents that spawned this one, outermost first, each `namespace/agent/thread`."),
  grants: z.array(label).max(32).optional().describe("The most that its instance may be lent; absent: what its Agent holds."),
  paused: z.boolean().default(false).describe("True keeps it from having an instance; messages are still taken."),
  stopRequestedAt: z.iso.datetime({ offset: true }).optional().describe("An instance that started before this time is stopped."),
});
export type ThreadSpec = z.output<typeof threadSpec>;

export const threadStatus = z.strictObject({
  observedGeneration: z.int().optional(),
  phase: z.enum(THREAD_PHASES).optional(),
  instance: z.string().optional().describe("Name of the pod that serves it."),
  instanceUid: z.string().optional(),
  unread: z.int().optional().describe("Messages to the agent that it has not acknowledged."),
  spent: z.string().optional().describe("Cost so far, in US dollars."),
  lastActivity: z.string().optional(),
  attempts: z.int().optional().describe("Failed starts in a row."),
  nextAttemptAt: z.string().optional(),
  conditions: z.array(condition).max(16).default([]),
});
export type ThreadStatus = z.output<typeof threadStatus>;

export const thread = z.looseObject({ metadata: objectMeta, spec: threadSpec, status: threadStatus.partial().optional() });
export type Thread = z.output<typeof thread>;
