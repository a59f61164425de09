import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { WatchEvent } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { readWatch } from "../../../../common/kube/watch-stream.ts";

const SILENT_MS = 60_000;
const added = (name: string): string => JSON.stringify({ type: "ADDED", object: { metadata: { name, resourceVersion: "1" } } });

async function eventsOf(body: Readable, silentMs = SILENT_MS): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const event of readWatch(body, TYPES.pods, silentMs)) events.push(event);
  return events;
}

const bodyOf = (...chunks: readonly (string | Buffer)[]): Readable => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

describe("a watch", () => {
  test("is one event a line, bookmarks with their version", async () => {
    const bookmark = JSON.stringify({ type: "BOOKMARK", object: { kind: "Pod", metadata: { resourceVersion: "77" } } });
    expect(await eventsOf(bodyOf(`${added("a")}\n${bookmark}\n`))).toEqual([
      { type: "ADDED", object: { apiVersion: "v1", kind: "Pod", metadata: { name: "a", resourceVersion: "1" } } },
      { type: "BOOKMARK", resourceVersion: "77" },
    ]);
  });

  test("says the same however the bytes are cut", async () => {
    const text = Buffer.from(`${added("ä-€-😀")}\n${added("b")}\n`);
    const whole = await eventsOf(bodyOf(text));
    await fc.assert(fc.asyncProperty(fc.array(fc.nat(text.byteLength), { maxLength: 12 }), async (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), text.byteLength];
      expect(await eventsOf(bodyOf(...at.slice(1).map((end, index) => text.subarray(at[index], end))))).toEqual(whole);
    }), { numRuns: 50 });
  });

  test("ends with the status that an ERROR event carries", async () => {
    const gone = JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" } });
    await expect(eventsOf(bodyOf(`${added("a")}\n${gone}\n`))).rejects.toMatchObject({ name: "KubeError", status: 410, reason: "Expired" });
  });

  test.each([
    ["an unknown type", JSON.stringify({ type: "RENAMED", object: {} })],
    ["no type", JSON.stringify({ object: {} })],
    ["something that is not JSON", "{"],
    ["a number", "7"],
    ["an object without a name", JSON.stringify({ type: "ADDED", object: { metadata: {} } })],
    ["an object without metadata", JSON.stringify({ type: "MODIFIED", object: {} })],
    ["labels that are no text", JSON.stringify({ type: "ADDED", object: { metadata: { name: "a", labels: { x: 1 } } } })],
    ["a bookmark without a version", JSON.stringify({ type: "BOOKMARK", object: { metadata: {} } })],
  ])("ends as malformed at %s", async (_what, line) => {
    await expect(eventsOf(bodyOf(`${line}\n`))).rejects.toMatchObject({ status: 0, reason: "Malformed" });
  });

  test("never repeats in its error what it could not read", async () => {
    await expect(eventsOf(bodyOf("canary-of-the-test\n"))).rejects.toSatisfy((error) => !JSON.stringify([String(error), String((error as Error).cause)]).includes("canary"));
  });

  test("ends within an event as a broken connection", async () => {
    await expect(eventsOf(bodyOf(`${added("a")}\n{"type":"AD`))).rejects.toMatchObject({ status: 0, reason: "Unreachable" });
  });

  test("takes no event without an end", async () => {
    const endless = Readable.from((function* () { for (;;) yield Buffer.alloc(1 << 20, 0x20); })());
    await expect(eventsOf(endless)).rejects.toMatchObject({ status: 0, reason: "Oversized" });
    expect(endless.destroyed).toBe(true);
  });

  test("is dead when nothing arrives, and its body is closed", async () => {
    const quiet = new Readable({ read() { /* Never has anything. */ } });
    await expect(eventsOf(quiet, 20)).rejects.toMatchObject({ status: 0, reason: "Silent" });
    expect(quiet.destroyed).toBe(true);
  });

  test("closes its body when the reader has had enough", async () => {
    const body = bodyOf(`${added("a")}\n${added("b")}\n`);
    for await (const _event of readWatch(body, TYPES.pods, SILENT_MS)) break;
    expect(body.destroyed).toBe(true);
  });
});
