import { systemClock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import type { LifecycleRecord } from "../model/record.ts";
import type { AuditConfig } from "./config.ts";
import { openAudit } from "./open-audit.ts";

/** A chain of what operators did by the tool, without a proxy. */
export interface OperatorChain {
  /** Resolves when it is on disk. @throws EgressError `audit.unavailable` */
  commit(event: Pick<LifecycleRecord, "event" | "outcome" | "fields">): Promise<void>;
  /** Signs what was written, and lets sinks take what they can in their time. */
  close(): Promise<void>;
}

/** Opens the chain in a folder, or begins one. @throws UserError if another process writes it just now */
export async function openOperatorChain(config: AuditConfig, directory: string, log: Log): Promise<OperatorChain> {
  const audit = await openAudit(config, { directory, clock: systemClock, log });
  return {
    commit: async (event) => { await audit.commit({ kind: "lifecycle", timeMs: systemClock.nowMs(), agent: null, ...event }); },
    close: async () => audit.close(),
  };
}
