import type { Rooms } from "../rooms.ts";
import type { ExchangeDraft } from "./open-record.ts";

/**
 * in: ExchangeDraft · out: a durable record · ends early with: audit.unavailable · next: forward.ts
 *
 * No record, no request: resolves when the decision is on disk. A client that left while it waited is not served: nothing was sent yet,
 * and the record must not say that it was about to be.
 */
export async function noteDecision(draft: ExchangeDraft, rooms: Pick<Rooms, "audit" | "clock">): Promise<void> {
  const { gone } = draft.incoming.answer;
  if (gone !== null) throw gone;
  await rooms.audit.commit(draft.toRecord("decided", rooms.clock));
}
