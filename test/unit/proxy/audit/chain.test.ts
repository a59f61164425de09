import { describe, expect, test } from "vitest";
import canonicalize from "canonicalize";
import { hash } from "node:crypto";
import { Chain } from "../../../../proxy/audit/chain.ts";
import { MerkleTree } from "../../../../proxy/audit/merkle.ts";
import { readStoredRecord, type StoredRecord } from "../../../../proxy/audit/stored-record.ts";
import { anExchange, aName } from "../../../support/audit-records.ts";

const UID = "0f8fad5b-d9cb-469f-a165-70867728950e";
const stored = (line: string): StoredRecord => {
  const record = readStoredRecord(Buffer.from(line.trimEnd()));
  if (typeof record === "string") throw new Error(record);
  return record;
};

describe("Chain", () => {
  test("each record names its sequence and its predecessor's hash; the first has none", () => {
    const chain = new Chain(UID, "0");
    const links = [chain.append(anExchange()), chain.append(aName()), chain.append(anExchange())];
    const records = links.map((link) => stored(link.line));
    expect(records.map((record) => record.sequence)).toEqual([0, 1, 2]);
    expect(records.map((record) => record.previousHash)).toEqual([null, links[0]!.receipt.hash, links[1]!.receipt.hash]);
    expect(records.map((record) => record.hash)).toEqual(links.map((link) => link.receipt.hash));
  });

  test("the fingerprint is the hash of the event's canonical form without it, as OCSF defines an attestation", () => {
    const { line, receipt } = new Chain(UID, "0").append(anExchange());
    const event = JSON.parse(line);
    expect(canonicalize(event)).toBe(line.trimEnd());
    delete event.attestation_list[0].fingerprint;
    expect(hash("sha256", canonicalize(event) ?? "", "hex")).toBe(receipt.hash);
  });

  test("text of an agent that imitates the place of the fingerprint does not become it", () => {
    const path = `"attestation_list":[{"chain_uid":"${UID}"`;
    expect(stored(new Chain(UID, "0").append(anExchange({ path })).line).event["http_request"]).toMatchObject({ url: { path } });
  });

  test("a chain that goes on from its mark writes what the first would have written", () => {
    const first = new Chain(UID, "0");
    first.append(anExchange());
    const second = new Chain(UID, "0", first.mark());
    expect(second.append(aName()).line).toBe(first.append(aName()).line);
  });

  test("a chain that is rewound has forgotten what came after, in its tree too", () => {
    const chain = new Chain(UID, "0");
    chain.append(anExchange());
    const mark = chain.mark();
    const lost = chain.append(aName({ name: "lost.test" }));
    chain.rewind(mark);
    const kept = chain.append(aName({ name: "kept.test" }));
    expect(kept.receipt.sequence).toBe(lost.receipt.sequence);
    const tree = new MerkleTree();
    for (const entry of [mark.previousHash!, kept.receipt.hash]) tree.append(entry);
    expect(chain.mark().tree.root()).toBe(tree.root());
  });
});

describe("readStoredRecord", () => {
  const line = new Chain(UID, "0").append(anExchange({ path: "/é" })).line.trimEnd();

  test("takes a record as it was written", () => {
    expect(readStoredRecord(Buffer.from(line))).toMatchObject({ sequence: 0, chainUid: UID, previousHash: null });
  });

  test("refuses a record in which any one bit is flipped", () => {
    const bytes = Buffer.from(line);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const read = readStoredRecord(flipped);
      if (typeof read !== "string") throw new Error(`bit ${bit} can be flipped: ${flipped.toString("utf8")}`);
    }
  });

  test.each([
    ["nothing", ""], ["no JSON", "{"], ["another JSON", "[]"], ["no attestation", line.replace("attestation_list", "attestation_lisp")],
    ["another order of keys", JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line)).toReversed()))], ["a space", line.replace(":", ": ")],
    ["another number form", line.replace('"class_uid":4002', '"class_uid":4002.0')],
  ])("refuses %s", (_what, text) => {
    expect(typeof readStoredRecord(Buffer.from(text))).toBe("string");
  });
});
