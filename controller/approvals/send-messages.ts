import { readFileSync } from "node:fs";
import { Changes } from "../../common/approvals/changes.ts";
import { deliverOnce, pauseAfter, readWebhookKey } from "../../common/approvals/standard-webhook.ts";
import type { Clock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { ApprovalStore, DueMessage } from "./approval-store.ts";
import type { ApprovalsConfig } from "./config.ts";

/** A lost signal costs no more than this; a message that failed is tried again by its own time. */
const LOOK_EVERY_MS = 1_000;
const AT_ONCE = 20;
const FORGET_EVERY_MS = 3_600_000;

export interface SenderParts {
  readonly store: ApprovalStore;
  readonly config: ApprovalsConfig;
  readonly clock: Clock;
  readonly log: Log;
}

/** Sends what lies in the outbox, on the leader alone, and forgets what is long over. At least once: what a receiver took before the leader could say so is sent again. */
export async function sendMessages(parts: SenderParts, signal: AbortSignal): Promise<void> {
  using changes = new Changes(parts.store);
  for (let forgottenMs = Number.NEGATIVE_INFINITY; !signal.aborted;) {
    try {
      if (parts.clock.monotonicMs() - forgottenMs >= FORGET_EVERY_MS) {
        await parts.store.forget(parts.clock.nowMs() - parts.config.retentionMs);
        forgottenMs = parts.clock.monotonicMs();
      }
      if (parts.config.webhook !== undefined) await sendDue(parts, parts.config.webhook);
    } catch (error) {
      parts.log.warn("webhook.waiting", { error: describeError(error) });
    }
    await changes.next(LOOK_EVERY_MS, signal);
  }
}

type Webhook = NonNullable<ApprovalsConfig["webhook"]>;

async function sendDue(parts: SenderParts, webhook: Webhook): Promise<void> {
  const due = await parts.store.due(parts.clock.nowMs(), AT_ONCE);
  if (due.length === 0) return;
  // Read again each time: a key may be replaced.
  const key = readWebhookKey(readFileSync(webhook.secretFile, "utf8"));
  await Promise.all(due.map(async (message) => sendOne(message, { ...webhook, key }, parts)));
}

async function sendOne(message: DueMessage, target: Webhook & Parameters<typeof deliverOnce>[0], { store, clock, log }: SenderParts): Promise<void> {
  try {
    await deliverOnce(target, message, clock.nowMs());
    await store.dropMessage(message.id);
  } catch (error) {
    const failed = message.failed + 1;
    log.warn(failed >= target.attempts ? "webhook.given-up" : "webhook.failed", { message: message.id, failed, error: describeError(error) });
    if (failed >= target.attempts) await store.dropMessage(message.id);
    else await store.retryMessage(message.id, clock.nowMs() + pauseAfter(failed));
  }
}
