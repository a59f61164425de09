import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFrameHeader } from "../../../../proxy/exchange/frame-header.ts";
import { HeldBytes } from "../../../../proxy/exchange/held-bytes.ts";
import { AgentFrames } from "../../../../proxy/exchange/web-socket-rewrite.ts";

const DUMMY = "DUMMY-0123456789";
const SECRET = 'sécret-longer-than-its-dummy';
const LIMIT_BYTES = 70_000;
const HOLDER = { namespace: "ns", name: "a", instance: "i1" };
const ROOM_BYTES = 8 << 20;
const rewrite = { messageLimitBytes: LIMIT_BYTES, apply: (text: string) => text.replaceAll(DUMMY, SECRET) };

interface Frame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
}

/** A frame as a client sends it. */
function frame(opcode: number, payload: Buffer | string, isFinal = true, { mask = Buffer.from([1, 2, 3, 250]), reserved = 0 } = {}): Buffer {
  const bytes = Buffer.from(payload as string);
  const length = bytes.byteLength < 126 ? [bytes.byteLength] : bytes.byteLength < 65_536 ? [126, bytes.byteLength >> 8, bytes.byteLength & 255] : [127, 0, 0, 0, 0, 0, bytes.byteLength >> 16, (bytes.byteLength >> 8) & 255, bytes.byteLength & 255];
  const [first = 0, ...more] = length;
  return Buffer.concat([Buffer.from([(isFinal ? 0x80 : 0) | reserved | opcode, 0x80 | first, ...more]), mask, bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

/** What the destination reads, every frame of it masked. */
function read(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    let headBytes = 2;
    let header = readFrameHeader([...bytes.subarray(at, at + headBytes)]);
    while (header === null) header = readFrameHeader([...bytes.subarray(at, at + ++headBytes)]);
    expect(header.isMasked).toBe(true);
    const mask = bytes.subarray(at + headBytes - 4, at + headBytes);
    at += headBytes;
    frames.push({ opcode: header.opcode, isFinal: header.isFinal, payload: Buffer.from(bytes.subarray(at, at + header.payloadBytes).map((byte, index) => byte ^ (mask[index % 4] ?? 0))) });
    at += header.payloadBytes;
  }
  return frames;
}

function passed(...chunks: readonly Buffer[]): { readonly frames: Frame[]; readonly fault: AgentFrames["fault"] } {
  const agent = new AgentFrames(rewrite, new HeldBytes(ROOM_BYTES).roomOf(HOLDER));
  const out = Buffer.concat(chunks.map((chunk) => agent.push(chunk)));
  return { frames: read(out), fault: agent.fault };
}
const said = (...chunks: readonly Buffer[]) => passed(...chunks).frames.map(({ opcode, isFinal, payload }) => [opcode, isFinal, payload.toString()]);

describe("text of an agent", () => {
  test("is changed as a whole message and leaves as one frame", () => {
    expect(said(frame(1, `{"token":"${DUMMY}"}`))).toEqual([[1, true, `{"token":"${SECRET}"}`]]);
    expect(said(frame(1, `a${DUMMY.slice(0, 5)}`, false), frame(0, DUMMY.slice(5, 9), false), frame(0, `${DUMMY.slice(9)}b`))).toEqual([[1, true, `a${SECRET}b`]]);
  });

  test("is not changed across two messages", () => {
    expect(said(frame(1, DUMMY.slice(0, 5)), frame(1, DUMMY.slice(5)))).toEqual([[1, true, DUMMY.slice(0, 5)], [1, true, DUMMY.slice(5)]]);
  });

  test("lets control frames by while it is held back", () => {
    expect(said(frame(1, DUMMY.slice(0, 5), false), frame(9, "ping"), frame(0, DUMMY.slice(5)), frame(8, "\x03\xe8bye"))).toEqual([[9, true, "ping"], [1, true, SECRET], [8, true, "\x03\xe8bye"]]);
  });

  test("is masked with a mask of its own", () => {
    const agent = new AgentFrames(rewrite, new HeldBytes(ROOM_BYTES).roomOf(HOLDER));
    const masks = [0, 1, 2].map(() => agent.push(frame(1, "same")).subarray(2, 6).toString("hex"));
    expect(new Set(masks).size).toBe(3);
  });

  test.each([125, 126, 65_535, 65_536, LIMIT_BYTES])("may be %i bytes long", (bytes) => {
    expect(said(frame(1, "x".repeat(bytes)))).toEqual([[1, true, "x".repeat(bytes)]]);
  });

  test("may be empty", () => {
    expect(said(frame(1, ""), frame(1, "", false), frame(0, ""))).toEqual([[1, true, ""], [1, true, ""]]);
  });
});

test("binary messages pass as they are, the dummy in them too", () => {
  const bytes = Buffer.from(`\xff\x00${DUMMY}`, "latin1");
  expect(passed(frame(2, bytes, false), frame(0, bytes)).frames.map(({ opcode, isFinal, payload }) => [opcode, isFinal, payload.equals(bytes)])).toEqual([[2, false, true], [0, true, true]]);
});

test("whatever way it is cut, the destination reads the same messages", () => {
  const piece = fc.oneof(fc.string({ maxLength: 40 }), fc.constant(DUMMY), fc.constant("\u{1f511}"));
  const message = fc.tuple(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.constantFrom(1, 2), fc.boolean());
  fc.assert(fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (messages, cuts) => {
    const bytes = Buffer.concat(messages.flatMap(([pieces, opcode, hasPing]) => pieces.flatMap((text, index) =>
      [frame(index === 0 ? opcode : 0, text, index === pieces.length - 1), ...(hasPing ? [frame(9, "p")] : [])])));
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.byteLength;) {
      const size = cuts.next().value as number;
      chunks.push(bytes.subarray(at, at + size));
      at += size;
    }
    const { frames, fault } = passed(...chunks);
    expect(fault).toBeNull();
    const heard: string[] = [];
    for (const { opcode, payload } of frames) {
      if (opcode === 9) continue;
      if (opcode === 0) heard.push((heard.pop() ?? "") + payload.toString());
      else heard.push(payload.toString());
    }
    expect(heard).toEqual(messages.map(([pieces, opcode]) => (opcode === 1 ? pieces.join("").replaceAll(DUMMY, SECRET) : pieces.join(""))));
  }), { numRuns: 300 });
});

describe("an agent that does not speak as it should is cut off, and nothing of it is sent", () => {
  test.each<[string, string, readonly Buffer[]]>([
    ["a message of more than the limit", "request.body-limit", [frame(1, "x".repeat(LIMIT_BYTES + 1))]],
    ["more than the limit in fragments", "request.body-limit", [frame(1, "x".repeat(LIMIT_BYTES), false), frame(0, "x")]],
    ["a length beyond all limits", "request.body-limit", [Buffer.from([0x81, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4])]],
    ["text that is not UTF-8", "request.malformed", [frame(1, Buffer.from([0xc3, 0x28]))]],
    ["an unmasked frame", "request.malformed", [Buffer.from([0x81, 1, 0x61])]],
    ["a compressed frame", "request.malformed", [frame(1, "x", true, { reserved: 0x40 })]],
    ["a fragment of nothing", "request.malformed", [frame(0, "x")]],
    ["a message inside of a message", "request.malformed", [frame(1, "x", false), frame(1, "y")]],
  ])("%s", (_what, code, chunks) => {
    const { frames, fault } = passed(...chunks, frame(1, "later"));
    expect([fault?.code, frames]).toEqual([code, []]);
    expect(fault?.message).not.toContain(SECRET);
  });

  test("for holding more than its instance may, and what was held is given back", () => {
    const held = new HeldBytes(400);
    const agents = [1, 2].map(() => new AgentFrames(rewrite, held.roomOf(HOLDER)));
    for (const agent of agents) agent.push(frame(1, "x".repeat(60), false));
    expect([agents.map(({ fault }) => fault?.code), held.bytes]).toEqual([[undefined, "request.body-limit"], 60]);
    agents[0]?.push(frame(0, ""));
    expect(held.bytes).toBe(0);
    agents[0]?.push(frame(1, "x".repeat(60), false));
    agents[0]?.release();
    expect(held.bytes).toBe(0);
  });

  test("with a million fragments of a byte, at the cost of one message (W03)", () => {
    const agent = new AgentFrames({ ...rewrite, messageLimitBytes: 1 << 20 }, new HeldBytes(ROOM_BYTES).roomOf(HOLDER));
    const fragments = Buffer.concat([frame(1, "x", false), ...Array.from({ length: 999 }, () => frame(0, "x", false))]);
    agent.push(fragments);
    const more = Buffer.concat(Array.from({ length: 1_000 }, () => frame(0, "x", false)));
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    for (let round = 0; round < 999; round += 1) agent.push(more);
    expect(process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before).toBeLessThan(64 << 20);
    expect(agent.fault).toBeNull();
  });
});
