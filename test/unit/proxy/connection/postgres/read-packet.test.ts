import { Duplex } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readMessage, readOpening, readSslAnswer } from "../../../../../proxy/connection/postgres/read-packet.ts";
import { EgressError } from "../../../../../proxy/errors.ts";

const never = new AbortController().signal;
const reading = { deadlineMs: 50, signal: never };

/** A peer that has said this, in these pieces. */
function saying(pieces: readonly Buffer[], andEnds = true): Duplex {
  const stream = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => { done(); } });
  for (const piece of pieces) stream.push(piece);
  if (andEnds) stream.push(null);
  return stream.on("error", () => {});
}

const message = (type: string, body: Buffer) => Buffer.concat([Buffer.from(type), lengthOf(body), body]);
function lengthOf(body: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(4 + body.byteLength);
  return bytes;
}

describe("messages of a server", () => {
  test("are read one by one however they are cut, and what follows stays", async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 5 }), fc.array(fc.nat(30), { maxLength: 10 }), async (bodies, cuts) => {
      const all = Buffer.concat([...bodies.map((body) => message("S", Buffer.from(body))), Buffer.from("rest")]);
      const pieces: Buffer[] = [];
      let at = 0;
      for (const cut of cuts) pieces.push(all.subarray(at, at += cut));
      const stream = saying([...pieces, all.subarray(at)].filter(({ byteLength }) => byteLength > 0), false);
      for (const body of bodies) expect(await readMessage(stream, 100, reading)).toEqual({ type: "S", body: Buffer.from(body) });
      let rest = "";
      for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read() as Buffer | null) rest += chunk.toString();
      expect(rest).toBe("rest");
    }), { numRuns: 200 });
  });

  test.each([
    ["cut short", message("S", Buffer.alloc(10)).subarray(0, 9), "upstream.aborted"], ["of no length", Buffer.from("S\0\0\0\0"), "upstream.malformed"], ["of 3 bytes", Buffer.from("S\0\0\0\x03"), "upstream.malformed"],
    ["too large", message("S", Buffer.alloc(97)), "upstream.malformed"], ["of 4 GB", Buffer.from("S\xff\xff\xff\xff", "latin1"), "upstream.malformed"], ["not there", Buffer.alloc(0), "upstream.aborted"],
  ])("that are %s are none", async (_, bytes, code) => {
    await expect(readMessage(saying(bytes.byteLength === 0 ? [] : [bytes]), 100, reading)).rejects.toMatchObject({ code });
  });

  test("that do not come are waited for no longer than said", async () => {
    await expect(readMessage(saying([Buffer.from("S")], false), 100, reading)).rejects.toMatchObject({ code: "upstream.timeout" });
  });

  test("of any bytes are read or refused", async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), async (bytes) => {
      const outcome = await readMessage(saying([Buffer.from(bytes)]), 50, reading).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(EgressError);
    }), { numRuns: 500 });
  });
});

describe("the first packet of a client", () => {
  test("is its code and the rest", async () => {
    expect(await readOpening(saying([Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0])]), reading)).toEqual({ code: 0x3_0000, body: Buffer.from([0]) });
  });

  test.each([[7, "wire.malformed"], [10_001, "wire.malformed"], [0x7fffffff, "wire.malformed"], [16, "relay.aborted"]])("of %i bytes is refused when it is not one", async (length, code) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(length);
    await expect(readOpening(saying([bytes]), reading)).rejects.toMatchObject({ code });
  });
});

test("the answer to a request for TLS is one byte and no more", async () => {
  expect(await readSslAnswer(saying([Buffer.from("S")], false), reading)).toBe("S");
  await expect(readSslAnswer(saying([Buffer.from("SE")], false), reading)).rejects.toMatchObject({ code: "upstream.malformed" });
  await expect(readSslAnswer(saying([]), reading)).rejects.toMatchObject({ code: "upstream.aborted" });
});
