import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32c } from "../../../common/crc32c.ts";
import { encodePreamble, parsePreamble, parsePreambleHead, PREAMBLE_HEAD_BYTES, PREAMBLE_LIMIT_BYTES, PreambleError, TOKEN_LIMIT_BYTES, type Preamble } from "../../../common/preamble.ts";

const ADDRESS_BLOCK_V4_BYTES = 12;
const FIRST_TLV = PREAMBLE_HEAD_BYTES + ADDRESS_BLOCK_V4_BYTES;

function aPreamble(changes: Partial<Preamble> = {}): Preamble {
  return {
    transport: "tcp",
    source: { address: "10.255.0.2", port: 40_000 },
    destination: { address: "198.18.0.7", port: 443 },
    token: "header.claims.signature",
    connectionId: "c-1",
    container: null,
    ...changes,
  };
}

/** A valid preamble with bytes put in or changed, and the length in the head made right again. */
function tampered(change: (bytes: Buffer) => Buffer | void): Buffer {
  const bytes = encodePreamble(aPreamble());
  const changed = change(bytes) ?? bytes;
  changed.writeUInt16BE(changed.byteLength - PREAMBLE_HEAD_BYTES, 14);
  return changed;
}

const withTlv = (type: number, value: Buffer) => tampered((bytes) => Buffer.concat([bytes, Buffer.from([type, value.byteLength >> 8, value.byteLength & 0xff]), value]));

function withCrc(spoil: number): Buffer {
  const bytes = withTlv(0x03, Buffer.alloc(4));
  bytes.writeUInt32BE((crc32c(bytes) ^ spoil) >>> 0, bytes.byteLength - 4);
  return bytes;
}

describe("preamble", () => {
  const visible = (maxLength: number) => fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), minLength: 1, maxLength });
  const port = fc.integer({ min: 1, max: 65_535 });
  const v6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).filter((bytes) => bytes[0] !== 0).map((bytes) => new URL(`http://[${Buffer.from(bytes).toString("hex").replace(/(.{4})(?!$)/g, "$1:")}]`).hostname.slice(1, -1));
  const ends = fc.oneof(fc.tuple(fc.ipV4(), fc.ipV4()), fc.tuple(v6, v6));
  const container = fc.option(fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/));
  const anyPreamble = fc.record({ ends, container, sourcePort: port, destinationPort: port, transport: fc.constantFrom("tcp" as const, "dns" as const), token: visible(TOKEN_LIMIT_BYTES), connectionId: visible(64) })
    .map(({ ends: [from, to], sourcePort, destinationPort, ...rest }): Preamble => ({ ...rest, source: { address: from, port: sourcePort }, destination: { address: to, port: destinationPort } }));

  test("what is encoded is read back the same, in both families and both transports", () => {
    fc.assert(fc.property(anyPreamble, (preamble) => {
      const bytes = encodePreamble(preamble);
      expect(parsePreambleHead(bytes.subarray(0, PREAMBLE_HEAD_BYTES))).toBe(bytes.byteLength);
      expect(parsePreamble(bytes)).toEqual(preamble);
    }));
  });

  test("cutting it short or adding a byte is refused, wherever", () => {
    const bytes = encodePreamble(aPreamble());
    for (let length = 0; length < bytes.byteLength; length += 1) expect(() => parsePreamble(bytes.subarray(0, length))).toThrow(PreambleError);
    expect(() => parsePreamble(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(/head says/);
  });

  test("random bytes and flipped bits end in a preamble or in a PreambleError, never in another error", () => {
    const survives = (bytes: Buffer) => {
      try {
        parsePreamble(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(PreambleError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => { survives(Buffer.from(bytes)); }));
    fc.assert(fc.property(anyPreamble, fc.nat(), fc.integer({ min: 1, max: 255 }), (preamble, at, mask) => {
      const bytes = encodePreamble(preamble);
      const place = at % bytes.byteLength;
      bytes.writeUInt8(bytes.readUInt8(place) ^ mask, place);
      survives(bytes);
    }));
  });

  test("an address is written the one way of RFC 5952", () => {
    const written = (address: string) => parsePreamble(encodePreamble(aPreamble({ source: { address: "fd00:255::2", port: 1 }, destination: { address, port: 1 } }))).destination.address;
    expect(written("2001:0DB8:0:0:1:0:0:1")).toBe("2001:db8::1:0:0:1");
    expect(written("2001:db8:0:1:1:1:1:1")).toBe("2001:db8:0:1:1:1:1:1");
    expect(written("::1")).toBe("::1");
    expect(written("fd00::")).toBe("fd00::");
    expect(written("64:ff9b::192.0.2.1")).toBe("64:ff9b::c000:201");
  });

  test.each([
    ["the text form, version 1", Buffer.from("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n"), /signature/],
    ["an HTTP request", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), /signature/],
    ["version 3", tampered((bytes) => { bytes.writeUInt8(0x31, 12); }), /version/],
    ["command LOCAL", tampered((bytes) => { bytes.writeUInt8(0x20, 12); }), /version/],
    ["family unspecified", tampered((bytes) => { bytes.writeUInt8(0x00, 13); }), /family/],
    ["family Unix", tampered((bytes) => { bytes.writeUInt8(0x31, 13); }), /family/],
    ["IPv6 family with IPv4 addresses only", Buffer.concat([tampered((bytes) => { bytes.writeUInt8(0x21, 13); return bytes.subarray(0, FIRST_TLV); })]), /too short/],
    ["no TLV", tampered((bytes) => bytes.subarray(0, FIRST_TLV)), /no token/],
    ["no connection id", tampered((bytes) => bytes.subarray(0, bytes.byteLength - 6)), /no connection id/],
    ["the token twice", withTlv(0xe0, Buffer.from("other")), /twice/],
    ["the connection id twice", withTlv(0xe1, Buffer.from("other")), /twice/],
    ["a TLV that is not ours", withTlv(0x02, Buffer.from("evil.test")), /unknown TLV/],
    ["padding (NOOP)", withTlv(0x04, Buffer.alloc(8)), /unknown TLV/],
    ["a TLV cut off in its head", tampered((bytes) => Buffer.concat([bytes, Buffer.from([0x03, 0x00])])), /cut off/],
    ["a TLV longer than the rest", tampered((bytes) => { bytes.writeUInt16BE(9_000, FIRST_TLV + 1); }), /longer than the preamble/],
    ["an empty token", tampered((bytes) => Buffer.concat([bytes.subarray(0, FIRST_TLV), Buffer.from([0xe0, 0, 0])])), /token is empty/],
    ["a line break in the token", tampered((bytes) => { bytes.writeUInt8(0x0a, FIRST_TLV + 4); }), /visible ASCII/],
    ["destination port 0", tampered((bytes) => { bytes.writeUInt16BE(0, FIRST_TLV - 2); }), /port 0/],
    ["source port 0", tampered((bytes) => { bytes.writeUInt16BE(0, FIRST_TLV - 4); }), /port 0/],
    ["a wrong CRC32C", withCrc(1), /CRC32C/],
    ["the container twice", tampered((bytes) => Buffer.concat([bytes, Buffer.from("e2000161e2000161", "hex")])), /twice/],
    ["an empty container", withTlv(0xe2, Buffer.alloc(0)), /DNS label/],
    ["a container in upper case", withTlv(0xe2, Buffer.from("Shell")), /DNS label/],
    ["a container with a dot", withTlv(0xe2, Buffer.from("a.b")), /DNS label/],
    ["a container with a line break", withTlv(0xe2, Buffer.from("a\n")), /DNS label/],
    ["a container of 64 characters", withTlv(0xe2, Buffer.from("a".repeat(64))), /DNS label/],
    ["a CRC32C of two bytes", withTlv(0x03, Buffer.alloc(2)), /CRC32C/],
  ])("%s is refused", (_name, bytes, reason) => {
    expect(() => parsePreamble(bytes)).toThrow(PreambleError);
    expect(() => parsePreamble(bytes)).toThrow(reason);
  });

  test("the container is read back, and none is null", () => {
    const longest = "a".repeat(63);
    expect(parsePreamble(encodePreamble(aPreamble({ container: longest }))).container).toBe(longest);
    const { container: _container, ...without } = aPreamble();
    expect(parsePreamble(encodePreamble(without)).container).toBeNull();
  });

  test("a right CRC32C is accepted, as its refusing twin above is not", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe306_9283);
    expect(parsePreamble(withCrc(0))).toEqual(aPreamble());
  });

  test("a length over the limit is refused by the head alone", () => {
    const head = encodePreamble(aPreamble()).subarray(0, PREAMBLE_HEAD_BYTES);
    head.writeUInt16BE(PREAMBLE_LIMIT_BYTES - PREAMBLE_HEAD_BYTES + 1, 14);
    expect(() => parsePreambleHead(head)).toThrow(/larger than/);
    head.writeUInt16BE(PREAMBLE_LIMIT_BYTES - PREAMBLE_HEAD_BYTES, 14);
    expect(parsePreambleHead(head)).toBe(PREAMBLE_LIMIT_BYTES);
  });

  test.each<[string, Partial<Preamble>, RegExp]>([
    ["a name instead of an address", { destination: { address: "evil.test", port: 443 } }, /not an IP address/],
    ["a zone", { source: { address: "fe80::1%eth0", port: 1 }, destination: { address: "fe80::2", port: 1 } }, /not an IP address/],
    ["mixed families", { destination: { address: "::1", port: 443 } }, /different families/],
    ["an IPv4-mapped address", { source: { address: "::1", port: 1 }, destination: { address: "::ffff:169.254.169.254", port: 80 } }, /IPv4-mapped/],
    ["port 65536", { destination: { address: "10.0.0.1", port: 65_536 } }, /port/],
    ["a token over the limit", { token: "x".repeat(TOKEN_LIMIT_BYTES + 1) }, /too long/],
    ["an empty token", { token: "" }, /token is empty/],
    ["a container that is no label", { container: "-a" }, /DNS label/],
    ["an empty container", { container: "" }, /DNS label/],
    ["a connection id over the limit", { connectionId: "x".repeat(65) }, /connection id/],
  ])("%s is not encoded", (_name, changes, reason) => {
    expect(() => encodePreamble(aPreamble(changes))).toThrow(reason);
  });
});
