import type { Statements } from "../../common/sql/sql-driver.ts";

/** Room for messages, in bytes of their bodies. What is full for one must not be full for all: there is one disk. */
export interface RoomLimits {
  readonly threadLimitBytes: number;
  readonly namespaceLimitBytes: number;
}

/** The thread, or all threads of its namespace together, hold as much as they may. Deleting threads makes room. */
export class RoomTaken extends Error {
  override readonly name = "RoomTaken";
}

/** What a message takes besides its body: its row, and entries of four indexes. */
const ENTRY_BYTES = 512;
/** The namespace is added up when a thread begins, and whenever it has grown by this much: not for each message. */
const STEP_BYTES = 1 << 20;

/** What a thread holds, as its row says. */
export interface HeldByThread {
  readonly namespace: string;
  readonly bytes: number;
}

/**
 * Sees whether there is room for one message more, on the connection that has the thread's row locked.
 * @returns what the thread holds with it. @throws RoomTaken
 */
export async function takeRoom(statements: Statements, body: string, { namespace, bytes }: HeldByThread, limits: RoomLimits): Promise<number> {
  const grown = bytes + Buffer.byteLength(body) + ENTRY_BYTES;
  if (grown > limits.threadLimitBytes) throw new RoomTaken(`a thread holds at most ${limits.threadLimitBytes} bytes of messages`);
  const isStep = bytes === 0 || Math.floor(grown / STEP_BYTES) > Math.floor(bytes / STEP_BYTES);
  if (!isStep) return grown;
  const [row] = await statements.query("select sum(bytes) as held from threads where namespace = $1", [namespace]);
  if (Number(row?.["held"] ?? 0) + grown - bytes > limits.namespaceLimitBytes) {
    throw new RoomTaken(`the threads of namespace ${namespace} hold at most ${limits.namespaceLimitBytes} bytes of messages together`);
  }
  return grown;
}
