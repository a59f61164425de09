import fc from "fast-check";
import { expect, test } from "vitest";
import { Pieces } from "../../../../proxy/mcp/pieces.ts";

test("pieces are whole again in their order, however many there were", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 50 }), (parts) => {
    const pieces = new Pieces();
    for (const part of parts) pieces.push(Buffer.from(part));
    const whole = Buffer.concat(parts);
    expect(pieces.byteLength).toBe(whole.byteLength);
    expect(pieces.take(Buffer.from("end"))).toEqual(Buffer.concat([whole, Buffer.from("end")]));
    expect([pieces.byteLength, pieces.take().byteLength]).toEqual([0, 0]);
  }));
});

test("a million pieces of a byte are kept in a few", () => {
  const pieces = new Pieces();
  const one = Buffer.from("a");
  for (let at = 0; at < 1_000_000; at += 1) pieces.push(one);
  expect(pieces.take().equals(Buffer.alloc(1_000_000, "a"))).toBe(true);
});
