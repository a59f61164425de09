import { randomBytes, timingSafeEqual } from "node:crypto";
import { destinationHost, type Destination } from "../../model/connection.ts";
import type { BackendKey } from "./encode.ts";

/** A session of an instance, as its server would have it cancelled. */
export interface Cancellable {
  readonly instance: string;
  readonly destination: Destination;
  /** The server that holds the session, of several behind one name. */
  readonly remoteAddress: string;
  readonly backendKey: BackendKey;
}

const KEY_BYTES = 4;

/**
 * Agents are shown keys of the boundary's own: the server's would let whoever learns it cancel past the boundary, and numbers of sessions of
 * others would tell of them. As many entries as open sessions, which connection slots limit.
 */
export class CancelKeys {
  readonly #sessions = new Map<number, { readonly key: Buffer; readonly session: Cancellable }>();

  get size(): number {
    return this.#sessions.size;
  }

  /** @returns what the agent is shown, and a function that forgets it; call that when the session ends */
  add(session: Cancellable): { readonly shown: BackendKey; readonly remove: () => void } {
    let processId: number;
    do {
      // Positive as a signed number, as process numbers are.
      processId = randomBytes(KEY_BYTES).readUInt32BE() >>> 1;
    } while (processId === 0 || this.#sessions.has(processId));
    const key = randomBytes(KEY_BYTES);
    this.#sessions.set(processId, { key, session });
    return { shown: { processId, key }, remove: () => { this.#sessions.delete(processId); } };
  }

  /** The session, if this instance has it at this destination and shows its key; null in every other case. */
  find({ processId, key }: BackendKey, instance: string, destination: Destination): Cancellable | null {
    const entry = this.#sessions.get(processId);
    if (entry === undefined || key.byteLength !== entry.key.byteLength || !timingSafeEqual(key, entry.key)) return null;
    const { session } = entry;
    const isHere = session.destination.port === destination.port && destinationHost(session.destination) === destinationHost(destination);
    return session.instance === instance && isHere ? session : null;
  }
}
