/** What a message may hold; the store has the same limit and the last word. */
export const ANNOUNCED_BODY_LIMIT_BYTES = 256 << 10;

/** What a text that is longer is told. */
export const MESSAGE_SIZE = {
  rule: "message.size", hint: `send at most ${ANNOUNCED_BODY_LIMIT_BYTES} bytes of UTF-8, and keep the rest where both sides can reach it`,
} as const;

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
