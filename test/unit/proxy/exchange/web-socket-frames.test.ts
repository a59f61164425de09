import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameTracker, closeFrame } from "../../../../proxy/exchange/web-socket-frames.ts";

function frame(opcode: number, length: number, masked: boolean): Buffer {
  const mask = masked ? 0x80 : 0;
  const head = length < 126 ? Buffer.from([0x80 | opcode, mask | length]) : length < 65_536 ? Buffer.from([0x80 | opcode, mask | 126, length >> 8, length & 0xff]) : Buffer.alloc(10);
  if (length >= 65_536) {
    head[0] = 0x80 | opcode;
    head[1] = mask | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, Buffer.alloc((masked ? 4 : 0) + length)]);
}

describe("FrameTracker", () => {
  test("knows the border between frames of every length, however they arrive", () => {
    const stream = Buffer.concat([frame(1, 5, false), frame(2, 300, true), frame(2, 70_000, false), frame(9, 0, true)]);
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 20 }), (sizes) => {
      const tracker = new FrameTracker();
      let at = 0;
      for (const size of [...sizes, stream.byteLength]) {
        tracker.follow(stream.subarray(at, at + size));
        at = Math.min(stream.byteLength, at + size);
      }
      expect({ fault: tracker.fault, isAtBoundary: tracker.isAtBoundary }).toEqual({ fault: null, isAtBoundary: true });
    }));
  });

  test("stops at the first border when asked to", () => {
    const tracker = new FrameTracker();
    const first = frame(1, 10, false);
    tracker.follow(first.subarray(0, 4));
    expect(tracker.isAtBoundary).toBe(false);
    expect(tracker.followToBoundary(Buffer.concat([first.subarray(4), frame(1, 1, false)]))).toBe(8);
    expect(tracker.isAtBoundary).toBe(true);
  });

  test.each<[string, Buffer]>([
    ["2^63 bytes", Buffer.from([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0])],
    ["2^53 bytes", Buffer.from([0x82, 127, 0, 0x20, 0, 0, 0, 0, 0, 0])],
    ["a long ping", frame(9, 126, false)],
    ["a ping in parts", Buffer.from([0x09, 0])],
    ["a reserved opcode", Buffer.from([0x83, 0])],
  ])("calls %s a fault", (_what, bytes) => {
    const tracker = new FrameTracker();
    tracker.follow(bytes);
    expect(tracker.fault).not.toBeNull();
  });

  test("a million fragments take no memory", () => {
    const tracker = new FrameTracker();
    const fragments = Buffer.concat(Array.from({ length: 1_000 }, () => Buffer.from([0x00, 0x01, 0x61])));
    const beforeBytes = process.memoryUsage().heapUsed;
    for (let round = 0; round < 1_000; round += 1) tracker.follow(fragments);
    expect(process.memoryUsage().heapUsed - beforeBytes).toBeLessThan(16 << 20);
  });
});

test("closeFrame is one unmasked close frame", () => {
  expect(closeFrame(1008, "policy.denied").subarray(0, 4)).toEqual(Buffer.from([0x88, 15, 0x03, 0xf0]));
});
