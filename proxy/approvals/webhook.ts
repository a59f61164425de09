import { readFileSync } from "node:fs";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { deliver, newMessageId, readWebhookKey, type WebhookTarget } from "../../common/approvals/standard-webhook.ts";
import { webhookBody, type WebhookEvent } from "../../common/approvals/webhook-message.ts";
import type { QuestionView } from "../../common/approvals/views.ts";
import type { Clock } from "../../common/clock.ts";
import { describeError, type Lifecycle } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { WebhookConfig } from "./config.ts";
import type { DeskListener } from "./desk-listener.ts";

/** Messages that are under way at a time; more are not sent, and said so. */
const UNDER_WAY = 200;

export interface WebhookContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
}

/** Tells another service of questions and of what became of them. Never in the way of a request: what cannot be delivered is logged. @throws UserError if the key is unfit */
export function webhookListener(config: WebhookConfig, { clock, log, lifecycle }: WebhookContext): DeskListener {
  const target: WebhookTarget = { url: config.url, key: keyOf(config.secretFile), timeoutMs: config.timeoutMs };
  let underWay = 0;
  const send = (type: WebhookEvent, question: QuestionView): void => {
    if (underWay >= UNDER_WAY) return log.warn("webhook.dropped", { type, approval: question.id });
    underWay += 1;
    const message = { id: newMessageId(), body: webhookBody(type, question, { nowMs: clock.nowMs(), link: config.link }) };
    lifecycle.run("webhook", async (signal) => {
      try {
        await deliver(target, message, config.attempts, { nowMs: () => clock.nowMs(), signal });
      } catch (error) {
        if (!signal.aborted) log.warn("webhook.undelivered", { type, approval: question.id, error: describeError(error) });
      } finally {
        underWay -= 1;
      }
    });
  };
  return {
    asked: (question) => { send("approval.asked", question); },
    ended: (question, { outcome }) => { send(`approval.${outcome}`, question); },
  };
}

function keyOf(path: string): WebhookTarget["key"] {
  try {
    return readWebhookKey(readFileSync(path, "utf8"));
  } catch (cause) {
    const hint = "Write `whsec_` and the base64 of 32 random bytes into it: echo \"whsec_$(openssl rand -base64 32)\"";
    throw new UserError(`the key of the webhook of approvals cannot be read from ${path}`, hint, EXIT.config, { cause });
  }
}
