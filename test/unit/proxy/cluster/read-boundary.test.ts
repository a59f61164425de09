import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readBoundary } from "../../../../proxy/cluster/read-boundary.ts";

const SET = { version: 1, revision: "r1", platform: { address: "10.0.0.1", port: 8443 }, agents: { "agents/coder": { grants: ["agents.github"], budgets: [] } }, grants: {}, budgets: {} };
const b64 = (bytes: Buffer) => bytes.toString("base64");
const object = (set: unknown, over: object = {}) => ({ binaryData: { "bundle.tar.gz": b64(Buffer.from("bundle")), "boundary.json.gz": b64(gzipSync(typeof set === "string" ? set : JSON.stringify(set))), ...over } });

describe("a boundary", () => {
  test("is read with everything in it", async () => {
    const { bundle, set } = await readBoundary(object(SET));
    expect(bundle.toString()).toBe("bundle");
    expect(set).toEqual(SET);
  });

  test.each<[string, unknown, RegExp]>([
    ["no object", null, /not the ConfigMap/],
    ["without a bundle", { binaryData: { "boundary.json.gz": "AA==" } }, /bundle\.tar\.gz/],
    ["without a set", { binaryData: { "bundle.tar.gz": "AA==" } }, /boundary\.json\.gz/],
    ["that is not base64", object(SET, { "bundle.tar.gz": "***" }), /bundle\.tar\.gz/],
    ["too large", object(SET, { "bundle.tar.gz": b64(Buffer.alloc(900 * 1_024)) }), /larger than/],
    ["that is not compressed", object(SET, { "boundary.json.gz": b64(Buffer.from("{}")) }), /not compressed text/],
    ["that is a bomb", object(SET, { "boundary.json.gz": b64(gzipSync(Buffer.alloc(33 << 20))) }), /unpacks to more/],
    ["that is not JSON", object("{"), /is not JSON/],
    ["of another version", object({ ...SET, version: 2 }), /version/],
    ["with a key that nobody knows", object({ ...SET, secrets: {} }), /secrets/],
    ["whose controller has a name for an address", object({ ...SET, platform: { address: "controller.svc", port: 8443 } }), /platform\.address/],
    ["with an agent that holds something else", object({ ...SET, agents: { "a/b": { grants: "*", budgets: [] } } }), /agents\.a\/b\.grants/],
  ])("%s is refused", async (_what, value, why) => {
    await expect(readBoundary(value)).rejects.toThrow(why);
  });
});
