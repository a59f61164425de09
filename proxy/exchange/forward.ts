import type { Allow } from "../model/decision.ts";
import type { Injected } from "./inject.ts";
import type { ExchangeDraft } from "./open-record.ts";
import { Relay } from "./relay.ts";
import type { ExchangePath } from "./serve-exchange.ts";

/**
 * in: Injected · out: an answered exchange · ends early with: upstream.*, destination.forbidden, and what relay.ts says · next: relay.ts, settle.ts
 *
 * Hands the request to the upstream, which resolves, checks the address and dials it. From here until the end the exchange can be asked to
 * reconsider itself, and may not fall silent. Policy may have changed since it decided (a secret, a slow disk): then it is asked first.
 */
export async function forward(draft: ExchangeDraft, injected: Injected, allow: Allow, path: ExchangePath): Promise<void> {
  const relay = new Relay(draft, allow, injected, path);
  const leave = path.rooms.live.add(relay);
  const endWatch = path.watch.add(relay);
  try {
    if (allow.revision !== path.rooms.policy.revision) await relay.reconsider();
    relay.start();
    await relay.done;
  } finally {
    endWatch();
    leave();
  }
}
