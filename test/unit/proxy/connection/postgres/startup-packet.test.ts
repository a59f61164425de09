import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EgressError } from "../../../../../proxy/errors.ts";
import { startupMessage } from "../../../../../proxy/connection/postgres/encode.ts";
import { parseCancel, parseStartup } from "../../../../../proxy/connection/postgres/startup-packet.ts";

const body = (text: string) => ({ code: 0x3_0000, body: Buffer.from(text) });
const USER = "user\0agent\0";

describe("a startup packet", () => {
  test("says who wants what; the database is the user's if it names none", () => {
    expect(parseStartup(body(`${USER}database\0app\0application_name\0psql\0options\0-c a=1\0\0`)).sql).toEqual({ user: "agent", database: "app", applicationName: "psql", options: "-c a=1" });
    expect(parseStartup(body(`${USER}\0`)).sql).toEqual({ user: "agent", database: "agent", applicationName: "", options: "" });
    expect(parseStartup(body(`${USER}database\0\0\0`)).sql.database).toBe("agent");
  });

  test("passes on all settings but user and database", () => {
    expect(parseStartup(body(`${USER}database\0app\0DateStyle\0ISO\0options\0-c a=1\0\0`)).parameters).toEqual([["DateStyle", "ISO"], ["options", "-c a=1"]]);
  });

  test("of a newer version, or with options of the protocol, is to be told so, and they go no further", () => {
    expect(parseStartup(body(`${USER}\0`)).isNewer).toBe(false);
    expect(parseStartup({ ...body(`${USER}\0`), code: 0x3_0002 }).isNewer).toBe(true);
    expect(parseStartup(body(`${USER}_pq_.wish\0on\0\0`))).toMatchObject({ isNewer: true, protocolOptions: ["_pq_.wish"], parameters: [] });
  });

  test.each([
    ["nothing", ""], ["no end", USER], ["no end of a value", "user\0agent"], ["half a pair", `${USER}database\0\0`], ["an empty name", `${USER}\0x\0\0`],
    ["a name twice", `${USER}user\0root\0\0`], ["a name twice in other letters", `${USER}datestyle\0a\0DateStyle\0b\0\0`], ["another spelling of `database`", `${USER}Database\0x\0\0`],
    ["no user", "database\0app\0\0"], ["an empty user", "user\0\0\0"], ["a long user", `user\0${"ä".repeat(32)}\0\0`], ["a long database", `${USER}database\0${"a".repeat(64)}\0\0`],
    ["a name that is none", `${USER}a b\0x\0\0`], ["65 names", `${USER}${Array.from({ length: 64 }, (_, index) => `a${index}\0x\0`).join("")}\0`],
  ])("with %s is malformed", (_, text) => {
    expect(() => parseStartup(body(text))).toThrow(expect.objectContaining({ code: "wire.malformed" }));
  });

  test("that is no UTF-8 is malformed", () => {
    expect(() => parseStartup({ code: 0x3_0000, body: Buffer.from("user\0\xff\0\0", "latin1") })).toThrow(expect.objectContaining({ code: "wire.malformed" }));
  });

  test.each([["replication\0true\0"], ["replication\0off\0"], ["options\0--cluster=x\0"], ["options\0endpoint=x\0"], ["options\0-c a=1 -d x\0"], ["options\0-c a\0"], ["options\0-c a=1\n-c b=2\0"]])("is not supported with %j", (text) => {
    expect(() => parseStartup(body(`${USER}${text}\0`))).toThrow(expect.objectContaining({ code: "protocol.unsupported" }));
  });

  test.each(["", "-c a=1", "-ca=1 -c b.c=2", "-c search_path=a\\ b", " -c a= "])("takes the settings %j", (options) => {
    expect(parseStartup(body(`${USER}options\0${options}\0\0`)).sql.options).toBe(options);
  });

  test("of version 2 is not supported", () => {
    expect(() => parseStartup({ code: 0x2_0000, body: Buffer.alloc(0) })).toThrow(expect.objectContaining({ code: "protocol.unsupported" }));
  });

  test("of any bytes is read or refused, in no time", () => {
    const pieces = fc.array(fc.constantFrom("user", "database", "options", "replication", "_pq_.x", "\0", "\0\0", "a", "-c a=1 ", "-c ", "\\", "é", "\xff", " "), { maxLength: 60 });
    fc.assert(fc.property(pieces, (texts) => {
      try {
        const { sql } = parseStartup({ code: 0x3_0000, body: Buffer.from(texts.join(""), "latin1") });
        expect(sql.user).not.toBe("");
      } catch (error) {
        expect(error).toBeInstanceOf(EgressError);
      }
    }), { numRuns: 2_000 });
    const startedMs = performance.now();
    expect(parseStartup(body(`${USER}options\0${"-c a=\\  ".repeat(1_000)}\0\0`)).sql.options).toHaveLength(8_000);
    expect(() => parseStartup(body(`${USER}options\0${"-c a=1 ".repeat(1_000)}!\0\0`))).toThrow(EgressError);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  test("is what the encoder wrote", () => {
    const name = fc.stringMatching(/^[a-z_]{1,10}$/).filter((text) => !["user", "database", "options", "replication"].includes(text));
    fc.assert(fc.property(fc.uniqueArray(fc.tuple(name, fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) => !text.includes("\0"))), { selector: ([key]) => key, maxLength: 20 }), (pairs) => {
      const packet = startupMessage([["user", "agent"], ...pairs]);
      expect(packet.readUInt32BE(0)).toBe(packet.byteLength);
      expect(parseStartup({ code: packet.readUInt32BE(4), body: packet.subarray(8) }).parameters).toEqual(pairs);
    }));
    expect(() => startupMessage([["user", "a\0b"]])).toThrow("zero byte");
  });
});

test("a cancel request without a key is malformed", () => {
  expect(parseCancel({ code: 0, body: Buffer.from([0, 0, 0, 7, 1, 2, 3, 4]) })).toEqual({ processId: 7, key: Buffer.from([1, 2, 3, 4]) });
  expect(() => parseCancel({ code: 0, body: Buffer.alloc(7) })).toThrow(expect.objectContaining({ code: "wire.malformed" }));
});
