import { createHash } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGrpcServer, type GrpcServer } from "../../../support/grpc-server.ts";
import { startStand, type Answered, type Stand } from "../../../support/running-proxy.ts";
import { mintAuthority } from "../../../support/tls-authority.ts";
import { startUpstream, type SeenRequest, type UpstreamServer } from "../../../support/upstream-server.ts";
import { eventually, exchangesOf } from "../../../support/whole-proxy.ts";

const [CHAT, GRAPH, GRPC] = ["chat.read.test", "graph.read.test", "grpc.read.test"];
const DATA = {
  hosts: [
    { name: CHAT, rule: "chat.post", paths: ["/api/post"], json: { "/channel": { one_of: ["#agents"] }, "/text": { max_length: 20 } } },
    { name: GRAPH, rule: "graph.read", paths: ["/graphql"], graphql: { types: ["query"], fields: ["viewer", "repository"] } },
    { name: GRAPH, rule: "graph.comment", paths: ["/graphql"], graphql: { types: ["mutation"], names: ["Comment"], fields: ["addComment"] } },
    { name: GRPC, rule: "grpc.hello", grpc: ["hello.v1.Greeter/SayHello", "hello.v1.Health/*"] },
  ],
};

let upstream: UpstreamServer;
let grpc: GrpcServer;
let stand: Stand;
beforeAll(async () => {
  const authority = await mintAuthority();
  upstream = await startUpstream(await authority.leaf([CHAT, GRAPH]));
  grpc = await startGrpcServer(await authority.leaf([GRPC]));
  const dialPorts = [[CHAT, upstream.port], [GRAPH, upstream.port], [GRPC, grpc.port]] as const;
  stand = await startStand({ authority, policyData: DATA, routes: dialPorts.map(([name, dialPort]) => ({ name, port: 443, dialPort })) });
});
afterAll(async () => {
  await stand.stop();
  await upstream.close();
  await grpc.close();
});

const sha256 = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");
const send = async (url: string, body: Buffer | string, headers: Record<string, string> = {}) => stand.ask("POST", url, { headers: { "content-type": "application/json", ...headers }, body });
/** What arrived of one request; null if nothing did. */
const arrived = async (sending: () => Promise<Answered>): Promise<{ readonly answer: Answered; readonly seen: SeenRequest | null }> => {
  const before = upstream.requests.length;
  const answer = await sending();
  return { answer, seen: upstream.requests[before] ?? null };
};
const lastClosed = () => exchangesOf(stand.records, "closed").at(-1);

describe("a JSON body that policy reads", () => {
  const url = `https://${CHAT}/api/post`;

  test.each([
    ["as it is written", Buffer.from(`{ "text":"hi",\n "channel" : "#agents", "n": 1.50 }`), {}], ["compressed", gzipSync(`{"channel":"#agents","text":"hi"}`), { "content-encoding": "gzip" }],
  ])("is sent byte for byte as it came: %s", async (_what, body, headers) => {
    const { answer, seen } = await arrived(async () => send(url, body, headers));
    expect(answer.status).toBe(200);
    expect(seen).toMatchObject({ bodySha256: sha256(body), bodyBytes: body.byteLength, headers: { "content-length": String(body.byteLength), ...headers } });
  });

  test("is refused by what it says, with the rule, and nothing of it arrives", async () => {
    const { answer, seen } = await arrived(async () => send(url, `{"channel":"#board","text":"hi"}`));
    expect([answer.status, seen]).toEqual([403, null]);
    expect(JSON.parse(answer.body)).toMatchObject({ error: "policy.denied", rule: expect.any(String) as string, reason: expect.any(String) as string });
    await eventually("the record", () => lastClosed()?.outcome === "denied");
  });

  test.each([["a rule that fails", `{"channel":"#agents","text":"${"x".repeat(21)}"}`], ["a value that is missing", `{"text":"hi"}`], ["no JSON", "channel=#agents"], ["no object", `"#agents"`]])("%s is no permission", async (_what, body) => {
    const { answer, seen } = await arrived(async () => send(url, body));
    expect([answer.status, seen]).toEqual([403, null]);
  });
});

describe("GraphQL that policy reads", () => {
  const url = `https://${GRAPH}/graphql`;
  const ask = async (body: unknown) => arrived(async () => send(url, JSON.stringify(body)));

  test("passes by type, name and fields of each operation", async () => {
    expect((await ask({ query: "{ viewer { login } }" })).answer.status).toBe(200);
    expect((await ask({ query: "mutation Comment { addComment(body: 1) { id } }" })).answer.status).toBe(200);
    expect((await ask([{ query: "{ viewer { login } }" }, { query: "query { repository { name } }" }])).answer.status).toBe(200);
    expect((await arrived(async () => stand.ask("GET", `${url}?query=%7Bviewer%7Blogin%7D%7D`))).answer.status).toBe(200);
  });

  test.each([
    ["another field", { query: "{ viewer { login } secrets }" }], ["another mutation", { query: "mutation Comment { deleteRepository { id } }" }], ["a name for another", { query: "query Comment { a } mutation Other { addComment }", operationName: "Other" }],
    ["one of a batch", [{ query: "{ viewer { login } }" }, { query: "mutation X { deleteRepository }" }]], ["a stored query", { extensions: { persistedQuery: { version: 1, sha256Hash: "x" } } }],
  ])("is refused as errors that its clients show: %s", async (what, body) => {
    const { answer, seen } = await ask(body);
    expect([answer.status, seen]).toEqual([403, null]);
    const said = JSON.parse(answer.body) as unknown;
    if (what !== "a stored query") expect(Array.isArray(said) ? said[0] : said).toMatchObject({ errors: [{ extensions: { error: "policy.denied", rule: expect.any(String) as string } }] });
  });

  test("of two readings is refused", async () => {
    const { answer, seen } = await arrived(async () => send(`${url}?query=mutation%7BdeleteRepository%7D`, `{"query":"{ viewer { login } }"}`));
    expect([answer.status, seen]).toEqual([400, null]);
  });
});

describe("gRPC, by its path", { timeout: 10_000 }, () => {
  const call = async (path: string) => {
    const socket = await stand.open(GRPC, ["h2"]);
    const session = connectHttp2(`https://${GRPC}`, { createConnection: () => socket });
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc+proto", te: "trailers" });
    const ended = Promise.withResolvers<undefined>();
    let [headers, trailers, isHeadAlone]: [Record<string, unknown>, Record<string, unknown>, boolean] = [{}, {}, false];
    let body = Buffer.alloc(0);
    stream.on("response", (fields, flags) => { [headers, isHeadAlone] = [fields, (flags & 1) === 1]; }).on("trailers", (fields) => { trailers = fields; });
    stream.on("data", (chunk: Buffer) => { body = Buffer.concat([body, chunk]); }).on("close", () => { ended.resolve(undefined); }).on("error", ended.reject);
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
    await ended.promise;
    session.destroy();
    return { headers, trailers, body, isHeadAlone };
  };

  test("reaches the methods that are named, with its trailers", async () => {
    for (const path of ["/hello.v1.Greeter/SayHello", "/hello.v1.Health/Check"]) {
      expect(await call(path)).toMatchObject({ headers: { ":status": 200 }, trailers: { "grpc-status": "0" }, body: Buffer.from([0, 0, 0, 0, 0]) });
      expect(grpc.calls.at(-1)).toBe(path);
    }
  });

  test.each(["/hello.v1.Greeter/DropAll", "/hello.v2.Greeter/SayHello", "/admin.v1.Admin/Reset"])("is refused elsewhere in a head of its own: %s", async (path) => {
    const before = grpc.calls.length;
    const { headers, isHeadAlone } = await call(path);
    expect([headers[":status"], headers["content-type"], headers["grpc-status"], isHeadAlone, grpc.calls.length]).toEqual([200, "application/grpc+proto", "7", true, before]);
    expect(headers["grpc-message"]).toMatch(/\(policy\.denied, rule /);
  });
});
