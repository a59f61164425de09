import { brotliCompressSync, brotliDecompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { McpReading, ReadingName } from "../../../../proxy/model/readings.ts";
import type { RequestHead } from "../../../../proxy/model/request.ts";
import { openReadings } from "../../../../proxy/readings/open-readings.ts";
import { requestHead } from "../../../support/request-head.ts";

const MESSAGE: McpReading = { era: "session", direction: "to_server", kind: "request", method: "ping", tool: null, arguments: null, prompt: null, uri: null, is_listing: false };
const ASKED = { era: "session", isBatch: false, requests: [] } as const;
const readings = openReadings((_head, text) => (text.includes("jsonrpc") ? { kind: "read", readings: [MESSAGE, { ...MESSAGE, method: "tools/list" }], asked: ASKED } : { kind: "none", why: "no MCP" }));
const JSON_TYPE = ["content-type", "application/json"] as const;
const malformed = { code: "request.malformed" };

interface Sent { readonly names?: readonly ReadingName[]; readonly headers?: RequestHead["headers"]; readonly target?: string; readonly over?: Partial<RequestHead>; readonly limitBytes?: number }

async function read(body: Buffer | string, { names = ["json"], headers = [JSON_TYPE], target = "/x", over = {}, limitBytes = 100_000 }: Sent = {}) {
  let taken = 0;
  const found = await readings.read(names, requestHead("POST", target, headers, over), { body: Buffer.from(body as string), limitBytes, take: (bytes) => { taken += bytes; } });
  return { ...found, taken };
}

describe("a JSON body", () => {
  test("is read whole, whatever it is", async () => {
    expect(await read(`{"a":[1,2.5,"x"],"__proto__":{"b":null}}`)).toMatchObject({ report: { json: null }, parts: [{ json: { a: [1, 2.5, "x"] } }] });
    expect((await read("null")).parts).toEqual([{ json: null }]);
    expect(Object.keys((await read(`{"__proto__":1}`)).parts[0]!.json as object)).toEqual(["__proto__"]);
  });

  test.each([
    ["a key twice", `{"a":1,"a":2}`], ["a key twice, escaped", String.raw`{"a":1,"\u0061":2}`], ["a key twice, deep inside", `[{"b":{"a":1,"c":2,"a":1}}]`], ["keys that differ in case alone", `{"channel":"a","Channel":"b"}`],
    ["half a surrogate pair", String.raw`{"a":["x\ud83d"]}`], ["half a pair in a key", String.raw`{"\uDC00":1}`], ["a key that C ends early", String.raw`[{"channel\u0000":1}]`],
    ["a byte order mark", "\ufeff{}"], ["no UTF-8", Buffer.from([0x22, 0xff, 0x22])], ["too deep", "[".repeat(201) + "]".repeat(201)],
    ["a number that is too large", `{"a":1e400}`], ["a whole number that doubles do not hold", `{"a":9007199254740993}`], ["the same with an exponent", `{"a":9007199254740993e0}`], ["a number that is rounded away", `{"a":1e-400}`],
  ])("is refused with %s", async (_what, body) => { await expect(read(body)).rejects.toMatchObject(malformed); });

  test.each(["9007199254740992", "18014398509481984", "0.1", "1e21", "-0.00", "123456789012345678.5e-5", "5e-320"])("keeps the number %s", async (text) => {
    expect((await read(text)).parts).toEqual([{ json: Number(text) }]);
  });

  test.each([
    ["no JSON", "{'a':1}", {}], ["two texts", "{} {}", {}], ["cut off", `{"a":`, {}], ["nothing", "", {}], ["something else by its type", "{}", { headers: [["content-type", "text/plain"]] }], ["of no type", "{}", { headers: [] }],
    ["in another alphabet", "{}", { headers: [["content-type", "application/json; charset=utf-16"]] }], ["a form", "{}", { headers: [["content-type", "application/x-www-form-urlencoded"]] }],
    ["in a WebSocket", "{}", { over: { upgrade: "websocket" } }],
  ] satisfies [string, string, Sent][])("that is %s is no reading, and the report says so", async (_what, body, sent) => {
    expect(await read(body, sent)).toMatchObject({ report: { json: expect.any(String) }, parts: [{}] });
  });

  test("is refused with two content types", async () => {
    await expect(read("{}", { headers: [JSON_TYPE, ["content-type", "text/plain"]] })).rejects.toMatchObject(malformed);
  });

  test.each([String.raw`"\ud83d\ude00"`, String.raw`"\\ud83d"`, String.raw`["a\u0000"]`])("keeps the text %s", async (text) => {
    expect((await read(text)).parts).toEqual([{ json: JSON.parse(text) as unknown }]);
  });

  test("counts what its value takes", async () => {
    expect((await read(`{"a":[{},{}]}`)).taken).toBeGreaterThan(500);
  });
});

describe("every protocol that is written in JSON", () => {
  const bodies = { json: "{}", mcp: `{"jsonrpc":"2.0"}`, graphql: `{"query":"{a}"}` } as const;
  describe.each(["json", "mcp", "graphql"] as const)("%s", (name) => {
    test.each(["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/vnd.api+json"])("is read where it comes as %s", async (type) => {
      expect((await read(bodies[name], { names: [name], headers: [["content-type", type]] })).report).toEqual({ [name]: null });
    });

    test.each([
      "application/json; charset=utf-7", "application/json; charset=utf-8; charset=utf-7", "application/json; charset=latin1", "application/json; charset=", "application/json, text/plain", "text/plain", "application/x-json5", "",
    ])("is no reading where it comes as '%s': its reader may decode another text", async (type) => {
      expect((await read(bodies[name], { names: [name], headers: [["content-type", type]] })).report).toEqual({ [name]: expect.any(String) });
    });

    test("is no reading without a content type, and refused with two", async () => {
      expect((await read(bodies[name], { names: [name], headers: [] })).report).toEqual({ [name]: expect.any(String) });
      await expect(read(bodies[name], { names: [name], headers: [JSON_TYPE, ["content-type", "application/json; charset=utf-7"]] })).rejects.toMatchObject(malformed);
    });
  });
});

describe("a body that is coded", () => {
  const text = Buffer.from(`{"a":1}`);
  test.each([["gzip", gzipSync(text)], ["br", brotliCompressSync(text)], ["zstd", zstdCompressSync(text)], ["identity", text]])("is read through %s", async (coding, body) => {
    const found = await read(body, { headers: [JSON_TYPE, ["content-encoding", coding]] });
    expect([found.parts, found.text]).toEqual([[{ json: { a: 1 } }], text]);
  });

  test("that unpacks to more than the limit is refused, and says what to ask for", async () => {
    const bomb = gzipSync(Buffer.alloc(200_000, " "));
    await expect(read(bomb, { headers: [JSON_TYPE, ["content-encoding", "gzip"]] })).rejects.toMatchObject({ code: "request.body-limit", explanation: { hint: expect.stringContaining("max_read_bytes") } });
  });

  test.each(["gzip, br", "compress", "__proto__"])("in another way is no reading: %s", async (coding) => {
    expect((await read(text, { headers: [JSON_TYPE, ["content-encoding", coding]], names: ["json", "mcp"] })).report).toEqual({ json: expect.any(String), mcp: expect.any(String) });
  });

  test.each(["deflate", "DEFLATE", "gzip, deflate"])("is no reading where servers undo the coding in two ways: %s", async (coding) => {
    expect((await read(deflateSync(text), { headers: [JSON_TYPE, ["content-encoding", coding]] })).report).toEqual({ json: expect.stringContaining("two ways") });
  });

  test("that a server could read without undoing it is refused", async () => {
    const both = "5";
    expect(brotliDecompressSync(both)).toHaveLength(0);
    await expect(read(both, { headers: [JSON_TYPE, ["content-encoding", "br"]] })).rejects.toMatchObject(malformed);
    for (let length = 1; length < 200; length += 1) {
      const body = Buffer.from(JSON.stringify({ a: "x".repeat(length) }));
      for (const coded of [brotliCompressSync(body), brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })]) {
        expect((await read(coded, { headers: [JSON_TYPE, ["content-encoding", "br"]] })).text).toEqual(body);
      }
    }
  });

  test("that is not coded as it says is refused", async () => {
    await expect(read(text, { headers: [JSON_TYPE, ["content-encoding", "gzip"]] })).rejects.toMatchObject(malformed);
  });
});

test("a JSON body that asks for another method is refused", async () => {
  await expect(read(`{"_method":"DELETE"}`)).rejects.toMatchObject(malformed);
  await expect(read(`{"query":"{ a }","_method":"DELETE"}`, { names: ["graphql"] })).rejects.toMatchObject(malformed);
});

describe("several readings of one body", () => {
  test("each part is asked about with all of them", async () => {
    const batch = `[{"query":"{ a }"},{"query":"mutation { b }"}]`;
    expect(await read(batch, { names: ["json", "graphql"] })).toMatchObject({
      report: { json: null, graphql: null }, parts: [{ json: JSON.parse(batch), graphql: { type: "query" } }, { json: JSON.parse(batch), graphql: { type: "mutation" } }],
    });
  });

  test("those that are none are reported beside those that are there", async () => {
    expect(await read(`{"jsonrpc":"2.0"}`, { names: ["mcp", "graphql"] })).toMatchObject({ report: { mcp: null, graphql: expect.any(String) }, parts: [{ mcp: MESSAGE }, { mcp: { method: "tools/list" } }] });
  });

  test("none that was asked for reads nothing", async () => {
    expect(await read(gzipSync("x"), { names: [], headers: [["content-encoding", "nonsense"]] })).toMatchObject({ report: {}, parts: [{}] });
  });
});

describe("the head alone", () => {
  test("says Git and gRPC, and nothing of other requests", () => {
    expect(readings.ofHead(requestHead("POST", "/o/r.git/git-receive-pack"))).toEqual({ git: { service: "git-receive-pack", repository: "o/r", is_write: true } });
    expect(readings.ofHead(requestHead("POST", "/a.B/C", [["content-type", "application/grpc"]]))).toEqual({ grpc: { service: "a.B", method: "C" } });
    expect(readings.ofHead(requestHead("GET", "/v1/x"))).toEqual({});
  });
});
