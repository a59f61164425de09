import fc from "fast-check";
import { expect, test } from "vitest";
import { messageReader } from "../../../sidecar/datagrams.ts";

function framed(messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(messages.flatMap((message) => [Buffer.from([message.byteLength >> 8, message.byteLength & 0xff]), message]));
}

test("messages come out whole and in order, wherever the stream is cut", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }), fc.array(fc.nat({ max: 400 }), { maxLength: 12 }), (messages, cuts) => {
    const seen: Buffer[] = [];
    const take = messageReader((message) => seen.push(Buffer.from(message)));
    let rest = framed(messages);
    for (const cut of cuts) {
      take(rest.subarray(0, cut));
      rest = rest.subarray(cut);
    }
    take(rest);
    expect(seen.map((one) => one.toString("hex"))).toEqual(messages.map((one) => Buffer.from(one).toString("hex")));
  }));
});

test("a message whose end has not come is kept back", () => {
  const seen: Buffer[] = [];
  messageReader((message) => seen.push(message))(Buffer.from([0, 3, 1, 2]));
  expect(seen).toEqual([]);
});
