import { LIST_LIMIT } from "../../common/approvals/views.ts";
import type { Clock } from "../../common/clock.ts";
import { approvalsFolder } from "../../common/approvals/approvals-folder.ts";
import type { Lifecycle } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { ApprovalsConfig } from "./config.ts";
import { ApprovalDesk } from "./desk.ts";
import type { DeskListener } from "./desk-listener.ts";
import { recordApprovals, type OnEvent } from "./record-approvals.ts";
import { ThreadApprovals } from "./thread-approvals.ts";
import { webhookListener } from "./webhook.ts";

export interface ApprovalsContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
  readonly stateDirectory: string;
  readonly onEvent: OnEvent;
  /** What runs on a yes that was taken back has to be asked about again. */
  readonly onRevoked: () => void;
  /** Whoever brings questions to people elsewhere; absent on one machine, where they are asked at its door. */
  readonly remote?: { readonly listener: DeskListener; readonly reachesPeople: (id: string) => boolean };
}

/** Opens the desk where people are asked. @throws UserError if the webhook's key is unfit */
export function openApprovals(config: ApprovalsConfig, context: ApprovalsContext): ApprovalDesk {
  const { clock, log, stateDirectory, onEvent, onRevoked, remote } = context;
  // In a cluster the controller keeps to the limit: here is room for all that it may say.
  const limit = remote === undefined ? config.maxThreadApprovals : LIST_LIMIT;
  const threads = new ThreadApprovals({ directory: approvalsFolder(stateDirectory), limit, clock, log });
  const listeners: DeskListener[] = [recordApprovals(onEvent), { revoked: onRevoked }];
  if (remote !== undefined) listeners.push(remote.listener);
  // In a cluster the controller sends messages: for all nodes, once.
  else if (config.webhook !== undefined) listeners.push(webhookListener(config.webhook, context));
  return new ApprovalDesk({ config, clock, threads, listeners, reachesPeople: remote?.reachesPeople ?? (() => true) });
}
