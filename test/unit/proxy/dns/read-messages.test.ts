import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { frame, MessageReader, readMessages } from "../../../../proxy/dns/read-messages.ts";

const MESSAGES = [Buffer.from("one"), Buffer.alloc(0), Buffer.alloc(4_096, 1), Buffer.from("last")];
const STREAM = Buffer.concat(MESSAGES.map(frame));

test.each([1, 2, 3, 7, 1_000, STREAM.length])("messages come out whole when bytes come %i at a time", (size) => {
  const reader = new MessageReader();
  const found: Buffer[] = [];
  for (let at = 0; at < STREAM.length; at += size) found.push(...reader.push(STREAM.subarray(at, at + size)));
  expect(found.map((message) => message.length)).toEqual(MESSAGES.map((message) => message.length));
});

test("a message that the stream ends inside of is not given", async () => {
  const found: string[] = [];
  for await (const message of readMessages(Readable.from([STREAM.subarray(0, 8)], { objectMode: false }))) found.push(message.toString());
  expect(found).toEqual(["one", ""]);
});

test("a length that no query has ends the stream", () => {
  const reader = new MessageReader();
  expect(reader.push(Buffer.from([0x10]))).toEqual([]);
  expect(() => reader.push(Buffer.from([0x01]))).toThrow(expect.objectContaining({ code: "name.malformed" }));
});
