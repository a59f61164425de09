import type { ThreadStage } from "../../support/kube/thread-stage.ts";

export const THREADS = 12;

/** What happened, and what should have. */
export interface Story {
  readonly stage: ThreadStage;
  readonly random: () => number;
  /** Name to UID of the threads that are there. */
  readonly threads: Map<string, string>;
  /** UIDs of threads that were deleted: their messages went with them. */
  readonly deleted: Set<string>;
  /** Messages on their way. */
  readonly sending: Set<Promise<void>>;
  /** Message to the thread that it was sent to, once a controller has said that it was taken. */
  readonly taken: Map<string, string>;
  /** Message to how often an agent was given it. */
  readonly read: Map<string, number>;
  kills: number;
  freezes: number;
}
