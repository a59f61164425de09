import { expect, test } from "vitest";
import { ThreadMemories } from "../../../../controller/reconcile/thread-memory.ts";

test("what is known of a thread stays from turn to turn", () => {
  const memories = new ThreadMemories();
  memories.of("team/one", "u1").isRegistered = true;
  expect(memories.of("team/one", "u1").isRegistered).toBe(true);
});

test("another thread of the name is not known", () => {
  const memories = new ThreadMemories();
  memories.of("team/one", "u1").isRegistered = true;
  expect(memories.of("team/one", "u2").isRegistered).toBe(false);
});

test("doubt costs the memory of what was written, and nothing else; who is forgotten is not known any more", () => {
  const memories = new ThreadMemories();
  const memory = memories.of("team/one", "u1");
  memory.isRegistered = true;
  memory.reported = { status: {}, writtenAtMs: 1 };
  memories.doubt("team/one");
  memories.doubt("team/nobody");
  expect([memory.reported, memory.isRegistered]).toEqual([null, true]);
  memories.forget("team/one");
  expect(memories.of("team/one", "u1").isRegistered).toBe(false);
});
