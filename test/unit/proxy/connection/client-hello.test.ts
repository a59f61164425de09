import fc from "fast-check";
import { extensionParsers } from "read-tls-client-hello";
import { describe, expect, test } from "vitest";
import { parseClientHello } from "../../../../proxy/connection/client-hello.ts";
import { HelloAssembler } from "../../../../proxy/connection/hello-assembler.ts";
import { EgressError } from "../../../../proxy/errors.ts";
import { alpn, clientHello, extension, records, serverNames } from "../../../support/client-hello.ts";

const LIMIT = 65_536;

describe("parseClientHello", () => {
  test("reads name and protocols, whatever else is there", () => {
    const hello = clientHello([extension(0x0a0a, Buffer.alloc(0)), alpn("h2", "http/1.1"), extension(43, Buffer.from([2, 3, 4])), serverNames("API.example.com")]);
    expect(parseClientHello(hello)).toEqual({ serverName: "api.example.com", alpn: ["h2", "http/1.1"] });
  });

  test("reads a hello without extensions", () => {
    const hello = clientHello([]);
    expect(parseClientHello(hello)).toEqual({ serverName: null, alpn: [] });
    expect(parseClientHello(hello.subarray(0, -2))).toEqual({ serverName: null, alpn: [] });
  });

  test("agrees with an independent reader on every name that it accepts", () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9]{0,10}$/);
    fc.assert(fc.property(fc.array(label, { minLength: 1, maxLength: 5 }), (labels) => {
      const name = labels.join(".");
      const content = serverNames(name).subarray(4);
      expect(parseClientHello(clientHello([serverNames(name)])).serverName).toBe(extensionParsers[0](content)?.serverName);
    }));
  });

  test("answers any bytes with a hello or an EgressError, and nothing else", () => {
    const whole = clientHello([serverNames("api.example.com"), alpn("h2")]);
    const spoiled = fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255), fc.nat(whole.byteLength)).map(([at, byte, length]) => {
      const bytes = Buffer.from(whole.subarray(0, length));
      if (at < length) bytes[at] = byte;
      return bytes;
    });
    fc.assert(fc.property(fc.oneof(spoiled, fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))), (bytes) => {
      try {
        parseClientHello(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(EgressError);
      }
    }), { numRuns: 3_000 });
  });
});

describe("HelloAssembler", () => {
  test.each([1, 3, 4, 5, 100, 16_384])("puts a hello in records of %i bytes together, delivered byte by byte", (fragmentBytes) => {
    const message = clientHello([serverNames("api.example.com")], 200);
    const wire = records(message, fragmentBytes);
    const assembler = new HelloAssembler(LIMIT);
    for (let length = 1; length < wire.byteLength; length += 1) expect(assembler.isWhole(wire.subarray(0, length))).toBe(false);
    expect(assembler.isWhole(wire)).toBe(true);
    expect(assembler.messageOf(wire)).toEqual(message);
  });

  test("takes no more than its limit, and says so before the bytes come", () => {
    const head = (length: number) => Buffer.from([22, 3, 1, 0x10, 0, 1, length >> 16, (length >> 8) & 0xff, length & 0xff]);
    expect(new HelloAssembler(LIMIT).isWhole(head(LIMIT - 4))).toBe(false);
    expect(() => new HelloAssembler(LIMIT).isWhole(head(LIMIT - 3))).toThrow(expect.objectContaining({ code: "tls.malformed" }));
  });

  test("reads 10,000 records of one byte in well under a second", () => {
    const wire = records(clientHello([], 10_000), 1);
    const assembler = new HelloAssembler(LIMIT);
    const startedMs = performance.now();
    for (let length = 1; length <= wire.byteLength; length += 1) assembler.isWhole(wire.subarray(0, length));
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
