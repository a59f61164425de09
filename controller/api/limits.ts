/** What a message may hold; the store has the same limit and the last word. */
export const ANNOUNCED_BODY_LIMIT_BYTES = 256 << 10;

export const CALL_LIMITS = {
  /** Grants of one thread. */
  grants: 32,
  /** Instances in one report of a node proxy: more than a node has pods. */
  reported: 1_000,
  /** Events in one batch. */
  events: 100,
  /** Messages of one look while they are streamed. */
  streamed: 50,
} as const;
