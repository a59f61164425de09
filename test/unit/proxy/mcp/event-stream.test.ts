import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockText, EventReader, eventOf } from "../../../../proxy/mcp/event-stream.ts";

function readAll(chunks: readonly Buffer[], limitBytes = 10_000): string {
  const reader = new EventReader(limitBytes, () => {});
  return chunks.flatMap((chunk) => reader.push(chunk)).map((part) => (typeof part === "string" ? `${part}\n` : blockText(part))).join("");
}

const STREAM = "\uFEFFretry: 100\n\n: ping\r\n\r\nevent: message\r\nid: 7\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata:x\rdata\r\runknown: field\ndata: ä\n\n";
const WRITTEN = "retry: 100\n\n: ping\n\nid: 7\nevent: message\ndata: {\"a\":\ndata: 1}\n\ndata: x\ndata: \n\ndata: ä\n\n";

test("a stream is written again with one end of line, whatever it came with", () => {
  expect(readAll([Buffer.from(STREAM)])).toBe(WRITTEN);
});

test("it does not matter where it is cut", () => {
  const bytes = Buffer.from(STREAM);
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: bytes.byteLength }), { maxLength: 20 }), (cuts) => {
    const places = [0, ...cuts.toSorted((one, other) => one - other), bytes.byteLength];
    expect(readAll(places.slice(1).map((place, at) => bytes.subarray(places[at], place)))).toBe(WRITTEN);
  }));
  expect(readAll([...bytes].map((byte) => Buffer.of(byte)))).toBe(WRITTEN);
});

test("comments pass before their event is complete, and an event that does not end is none", () => {
  const reader = new EventReader(100, () => {});
  expect(reader.push(Buffer.from("data: half\n: alive\n"))).toEqual([": alive"]);
});

describe("a character that some readers take for the end of a line", () => {
  const OTHERS = ["\v", "\f", "\u001c", "\u001d", "\u001e", "\u0085", "\u2028", "\u2029"];
  const parted = (text: string) => text.split(/\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/);

  test.each(OTHERS.map((end) => [JSON.stringify(end), end] as const))("%s ends none of ours: comments lose what they say, and other fields are refused", (_, end) => {
    expect(readAll([Buffer.from(`: x${end}data: {}${end}${end}\n: y\n`)])).toBe(":\n: y\n");
    for (const field of ["id", "retry", "event", "unknown"]) expect(() => readAll([Buffer.from(`${field}: 7${end}data: {}\n\n`)])).toThrow("end of a line");
  });

  test("is escaped in data, where it is part of a text", () => {
    const message = { text: "a\u2028data: {}\u2029\u2029b\u0085c" };
    for (const written of [readAll([Buffer.from(`data: ${JSON.stringify(message)}\n\n`)]), eventOf(message).toString()]) {
      const lines = parted(written);
      expect(lines).toEqual(written.split("\n"));
      expect(JSON.parse(lines.find((line) => line.startsWith("data: "))?.slice(6) ?? "")).toEqual(message);
    }
  });
});

describe("what is held back is limited", () => {
  test("a line without end", () => {
    expect(() => readAll([Buffer.alloc(60, "a"), Buffer.alloc(60, "a")], 100)).toThrow("more than 100 bytes");
  });

  test("an event without end", () => {
    expect(() => readAll(Array.from({ length: 20 }, () => Buffer.from("data: abcd\n")), 100)).toThrow("more than 100 bytes");
  });

  test("and counted", () => {
    const held: number[] = [];
    const reader = new EventReader(100, (bytes) => held.push(bytes));
    reader.push(Buffer.from("data: abc"));
    reader.push(Buffer.from("d\nid"));
    reader.push(Buffer.from(": 1\n\n"));
    expect(held).toEqual([9, 12, 0]);
  });
});

test("bytes that are no text are no event", () => {
  expect(() => readAll([Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0x0a, 0x0a])])).toThrow("UTF-8");
});

test("a message of ours is one event", () => {
  expect(eventOf({ id: 1 }).toString()).toBe("event: message\ndata: {\"id\":1}\n\n");
});
