import { PassThrough } from "node:stream";
import { parse } from "pg-protocol";
import { describe, expect, test } from "vitest";
import { authenticationOk, backendKeyData, cancelRequest, fatalError, negotiateVersion, saslInitialResponse, saslResponse, sslRequest } from "../../../../../proxy/connection/postgres/encode.ts";

/** Another reading of the protocol: that of the `pg` client. */
async function readByPg(bytes: Buffer): Promise<Record<string, unknown>[]> {
  const stream = new PassThrough();
  const read: Record<string, unknown>[] = [];
  const done = parse(stream, (message) => { read.push(message as unknown as Record<string, unknown>); });
  stream.end(bytes);
  await done;
  return read;
}

describe("what is written to clients is what pg reads", () => {
  test("a welcome", async () => {
    const key = { processId: 7, key: Buffer.from([0, 0, 1, 2]) };
    expect(await readByPg(Buffer.concat([authenticationOk(), backendKeyData(key)]))).toMatchObject([{ name: "authenticationOk" }, { name: "backendKeyData", processID: 7, secretKey: 258 }]);
  });

  test("a refusal; a zero in a text ends nothing", async () => {
    const [error] = await readByPg(fatalError({ sqlState: "28000", message: "no\0Cxxxxx", detail: "Rule a.", hint: "" }));
    expect(error).toMatchObject({ name: "error", severity: "FATAL", code: "28000", message: "noCxxxxx", detail: "Rule a." });
    expect(error?.["hint"]).toBeUndefined();
  });
});

describe("what is written to servers has the lengths that it says", () => {
  test.each([
    ["a request for TLS", sslRequest(), 0], ["a cancel request", cancelRequest({ processId: 1, key: Buffer.alloc(4) }), 0],
    ["the first words of SASL", saslInitialResponse("SCRAM-SHA-256", "n,,n=,r=ü"), 1], ["further words", saslResponse("c=biws"), 1], ["a version", negotiateVersion(["_pq_.a"]), 1],
  ])("%s", (_, bytes, lengthAt) => {
    expect(bytes.readUInt32BE(lengthAt)).toBe(bytes.byteLength - lengthAt);
  });

  test("the length of a SASL response counts bytes, not letters", () => {
    const bytes = saslInitialResponse("X", "ü");
    expect(bytes.subarray(5).toString("latin1")).toBe("X\0\0\0\0\x02\xc3\xbc");
  });
});
