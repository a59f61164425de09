import { describe, expect, test } from "vitest";
import { encodeAnswer, type Answer } from "../../../../proxy/dns/encode-answer.ts";
import { RCODE } from "../../../../proxy/dns/wire.ts";
import { aQuery, labels, readAnswer, type ReadAnswer } from "../../../support/dns-packets.ts";

const anAnswer = (over: Partial<Answer> = {}): Answer => ({
  id: 0x1234, repeatedFlags: 0x0100, question: aQuery().subarray(12), hasEdns: false, rcode: RCODE.noError, address: "198.18.0.1", ttlSeconds: 10, extendedError: null, ...over,
});
const read = (over: Partial<Answer>): ReadAnswer => readAnswer(encodeAnswer(anAnswer(over)));
const LONGEST = aQuery({ name: labels("a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)) }).subarray(12);

describe("an answer, read by a codec of others", () => {
  test("gives the address for the name that was asked for", () => {
    expect(read({}).answers).toMatchObject([{ type: "A", name: "api.example.test", ttl: 10, data: "198.18.0.1" }]);
    expect(read({ address: "fd00:5765:6972::1" }).answers).toMatchObject([{ type: "AAAA", name: "api.example.test", data: "fd00:5765:6972::1" }]);
  });

  test("repeats id, question in its letter case, and RD", () => {
    const packet = read({ question: aQuery({ name: labels("aPi", "eXample") }).subarray(12) });
    expect([packet.id, packet.questions?.[0]?.name, packet.flag_rd, packet.flag_ra, packet.flag_tc, packet.flag_aa]).toEqual([0x1234, "aPi.eXample", true, true, false, false]);
  });

  test.each([["no such record", RCODE.noError], ["no such name", RCODE.nxDomain]])("for %s says how long that holds", (_, rcode) => {
    const packet = read({ rcode, address: null });
    expect([packet.answers, packet.authorities]).toMatchObject([[], [{ type: "SOA", name: ".", ttl: 10, data: { minimum: 10 } }]]);
  });

  test("says why with an extended error, only where the query had EDNS", () => {
    const extendedError = { code: 18, text: "hosts.default: host not listed" };
    const packet = read({ rcode: RCODE.nxDomain, address: null, hasEdns: true, extendedError });
    expect(packet.extendedError).toEqual(extendedError);
    expect(read({ rcode: RCODE.nxDomain, address: null, extendedError }).additionals).toEqual([]);
  });

  test("carries the code of a bad EDNS version in two parts", () => {
    const packet = read({ rcode: RCODE.badVers, address: null, hasEdns: true });
    expect([packet.rcode, packet.extendedRcode]).toEqual(["NOERROR", 1]);
  });
});

test("the largest answers fit 512 bytes", () => {
  const extendedError = { code: 18, text: "ü".repeat(1_000) };
  expect(encodeAnswer(anAnswer({ question: LONGEST, address: "fd00::1", hasEdns: true })).length).toBeLessThanOrEqual(512);
  expect(encodeAnswer(anAnswer({ question: LONGEST, address: null, rcode: RCODE.nxDomain, hasEdns: true, extendedError })).length).toBeLessThanOrEqual(512);
});
