import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../../common/log.ts";
import { threadsConfig } from "../../../controller/threads/config.ts";
import { openThreadStore } from "../../../controller/threads/open-thread-store.ts";
import { RoomTaken } from "../../../controller/threads/room.ts";
import { BODY_LIMIT_BYTES, type ThreadStore } from "../../../controller/threads/thread-store.ts";
import { aMessage } from "./thread-store-suite.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const MIB = 1 << 20;
const LARGEST = "x".repeat(BODY_LIMIT_BYTES);

let store: ThreadStore;
beforeAll(async () => { store = await openThreadStore(threadsConfig.parse({ threadLimitBytes: 2 * MIB, namespaceLimitBytes: 3 * MIB }), silentLog); });
afterAll(async () => { await store?.close(); });

const aThread = async (namespace: string) => (await store.ensureThread(
  { uid: randomUUID(), namespace, name: `t-${randomUUID().slice(0, 8)}`, agent: "a", owner: "alice", parentUid: null }, NOW_MS)).uid;

/** @returns how many messages of the largest size the thread took before the first refusal */
async function fill(uid: string): Promise<number> {
  for (let taken = 0; ; taken += 1) {
    const refusal = await store.post(uid, aMessage({ body: LARGEST, isForAgent: false }), NOW_MS).then(() => null, (error: unknown) => error);
    if (refusal === null) continue;
    expect(refusal).toBeInstanceOf(RoomTaken);
    return taken;
  }
}

test("an agent that says too much fills its own thread, and no other", async () => {
  const [talker, neighbour] = [await aThread("talk"), await aThread("talk")];
  expect(await fill(talker)).toBe(7);
  await expect(store.post(neighbour, aMessage(), NOW_MS)).resolves.toMatchObject({ isNew: true });
});

test("a key that was taken before the thread was full is still answered with its message", async () => {
  const uid = await aThread("keyed");
  await store.post(uid, aMessage({ key: "k" }), NOW_MS);
  await fill(uid);
  await expect(store.post(uid, aMessage({ key: "k" }), NOW_MS)).resolves.toMatchObject({ isNew: false });
});

test("a namespace fills its own share with many threads, and nobody else's; deleting threads makes room", async () => {
  const threads = [await aThread("greedy"), await aThread("greedy"), await aThread("greedy")];
  for (const uid of threads) await fill(uid);
  const late = await aThread("greedy");
  await expect(store.post(late, aMessage(), NOW_MS)).rejects.toBeInstanceOf(RoomTaken);
  await expect(store.post(await aThread("modest"), aMessage(), NOW_MS)).resolves.toMatchObject({ isNew: true });
  for (const uid of threads) await store.forgetThread(uid);
  await expect(store.post(late, aMessage(), NOW_MS)).resolves.toMatchObject({ isNew: true });
});
