import fc from "fast-check";
import { expect, test } from "vitest";
import { readServerSentEvents, type ServerSentEvent } from "../../../client/server-sent-events.ts";

async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

async function read(text: string, sizes: readonly number[] = []): Promise<ServerSentEvent[]> {
  const events = [];
  for await (const event of readServerSentEvents(inPieces(new TextEncoder().encode(text), sizes))) events.push(event);
  return events;
}

test("events are read whole, with their ids, and comments are none", async () => {
  expect(await read("event: message\nid: 7\ndata: {\"a\":1}\n\n: nothing new\n\ndata: x\n\nevent: half\ndata: lost")).toEqual([
    { event: "message", id: "7", data: "{\"a\":1}" }, { event: "message", id: null, data: "x" },
  ]);
});

test("events are the same in whatever pieces they arrive, cut characters included", async () => {
  const text = "event: message\nid: 1\ndata: {\"b\":\"é€𐍈\"}\n\n: beat\n\nevent: thread\ndata: {}\n\n";
  const whole = await read(text);
  await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 40 }), async (sizes) => {
    expect(await read(text, sizes)).toEqual(whole);
  }), { numRuns: 200 });
});

test("an event without an end is an error, not memory without an end", async () => {
  await expect(read(`data: ${"x".repeat((4 << 20) + 1)}`)).rejects.toThrow(/longer than/);
});
