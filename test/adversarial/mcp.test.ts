import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startRawUpstream, type RawUpstream } from "../support/raw-upstream.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { mintAuthority } from "../support/tls-authority.ts";
import { auditText, eventually, exchangesOf, Received } from "../support/whole-proxy.ts";

const HOST = "mcp.adversarial.test";
const SECRET = `canary-${randomBytes(12).toString("hex")}`;
const directory = mkdtempSync(join(tmpdir(), "weir-mcp-"));

let upstream: RawUpstream;
let stand: Stand;
/** What the server does with a request. */
let answer: (path: string, socket: TLSSocket) => void;

beforeAll(async () => {
  const authority = await mintAuthority();
  writeFileSync(join(directory, "secret"), SECRET, { mode: 0o600 });
  upstream = await startRawUpstream(await authority.leaf([HOST]), ({ path }, socket) => { answer(path, socket); });
  stand = await startStand({
    authority, routes: [{ name: HOST, port: 443, dialPort: upstream.port }],
    config: {
      mcp: { deniedCalls: "error", listEntries: 100 },
      grants: { api: { credential: { type: "file", path: join(directory, "secret") }, bind: { hosts: [HOST], methods: ["GET", "POST"] } } },
    },
    policyData: { hosts: [{ name: HOST, rule: "mcp", grants: ["api"], mcp: { tools: ["search", "count"], from_server: ["roots/list"] } }] },
  });
});

afterAll(async () => {
  await stand.stop();
  await upstream.close();
  rmSync(directory, { recursive: true, force: true });
});

beforeEach(() => { answer = (_path, socket) => { socket.end("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"); }; });

const list = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`;
const tools = (...names: string[]) => `{"jsonrpc":"2.0","id":1,"result":{"tools":[${names.map((name) => `{"name":"${name}","description":"Bearer ${SECRET}"}`).join(",")}]}}`;
const whole = (type: string, body: string | Buffer, more = "") =>
  Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${more}\r\n`), Buffer.from(body)]);
const ask = async (body: string, headers = {}) => stand.ask("POST", `https://${HOST}/mcp`, { body, headers: { "content-type": "application/json", ...headers } });

describe("a server that gives a lent credential away", () => {
  test.each<[string, () => Buffer]>([
    ["in a list", () => whole("application/json", tools("search", "rm"))],
    ["in a list that is packed", () => whole("application/json", gzipSync(tools("search", "rm")), "content-encoding: gzip\r\n")],
    ["in an event", () => whole("text/event-stream", `data: ${tools("search", "rm")}\n\n`)],
    ["in an event of many lines", () => whole("text/event-stream", `data: ${tools("search", "rm").replaceAll(/[{}[\]]/g, "$&\r\ndata: ")}\r\n\r\n`)],
  ])("%s: it is masked in what is left of it", async (_where, bytes) => {
    answer = (_path, socket) => { socket.write(bytes()); };
    const { status, body } = await ask(list);
    expect([status, body.includes("search"), body.includes(`"rm"`), body.includes(SECRET)]).toEqual([200, true, false, false]);
  });

  test("as the name of what it asks: neither agent nor audit reads it", async () => {
    answer = (_path, socket) => { socket.write(whole("text/event-stream", `data: {"jsonrpc":"2.0","id":1,"method":"${SECRET}"}\n\n`)); };
    const { body } = await ask(list);
    expect(body).toContain("weir/withheld");
    await eventually("it is recorded", () => exchangesOf(stand.records, "closed").some(({ mcpFiltered }) => (mcpFiltered?.withheld.length ?? 0) > 0));
    expect(auditText(stand)).not.toContain(SECRET);
  });
});

test.each(["application/json", "text/event-stream"])("a long answer passes whole, in however many pieces it comes: %s", async (type) => {
  const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search"}}`;
  const text = `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"${"word ".repeat(200_000)}"}]}}`;
  answer = (_path, socket) => { socket.write(whole(type, type === "application/json" ? text : `data: ${text}\n\n`)); };
  const { body } = await ask(call);
  expect(body === (type === "application/json" ? text : `data: ${text}\n\n`)).toBe(true);
});

describe("a server that wants to fill the proxy", () => {
  test.each<[string, string, string]>([
    ["a list of more entries than are asked about", "application/json", tools(...Array.from({ length: 101 }, (_, index) => `t${index}`))],
    ["values in values", "application/json", `{"jsonrpc":"2.0","id":1,"result":{"tools":${"[".repeat(500)}${"]".repeat(500)}}}`],
    ["an answer of very many parts", "application/json", `{"jsonrpc":"2.0","id":1,"result":{"tools":[],"x":[${"{},".repeat(200_000)}{}]}}`],
    ["an event of too many lines", "text/event-stream", `${"data:\n".repeat(200_000)}\n`],
  ])("%s is an end, and nothing of it passes", async (_what, type, body) => {
    answer = (_path, socket) => { socket.write(whole(type, body)); };
    const text = await ask(list).then((answered) => `${answered.status} ${answered.body}`, () => "cut");
    expect(text === "cut" || (text.startsWith("502 ") && text.includes("upstream.malformed") && text.includes(`"id":1,`))).toBe(true);
  });
});

describe("a session over HTTP with SSE", () => {
  test("is refused in its own stream, between events, and the stream goes on", async () => {
    let events: TLSSocket | undefined;
    answer = (path, socket) => {
      if (path !== "/sse") return;
      events = socket;
      socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: endpoint\ndata: /messages?session=7\n\nda");
    };
    const socket = await stand.open(HOST);
    const received = new Received(socket);
    socket.write(`GET /sse HTTP/1.1\r\nHost: ${HOST}\r\naccept: text/event-stream\r\n\r\n`);
    await eventually("the endpoint arrives", () => received.text.includes("session=7"));
    const call = `{"jsonrpc":"2.0","id":"r","method":"tools/call","params":{"name":"rm"}}`;
    const refused = await stand.ask("POST", `https://${HOST}/messages?session=7`, { body: call, headers: { "content-type": "application/json" } });
    expect([refused.status, refused.body]).toEqual([202, "Accepted"]);
    await eventually("the refusal arrives", () => /event: message\ndata: \{"jsonrpc":"2\.0","id":"r","error":\{"code":-32003.*\}\n\n/.test(received.text));
    events?.write(`ta: {"jsonrpc":"2.0","method":"notifications/message"}\n\n`);
    await eventually("the next event arrives whole", () => received.text.includes(`data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n`));
    const elsewhere = await stand.ask("POST", `https://${HOST}/messages?session=8`, { body: call, headers: { "content-type": "application/json" } });
    expect([elsewhere.status, JSON.parse(elsewhere.body)]).toMatchObject([200, { id: "r", error: { code: -32003 } }]);
    socket.destroy();
  });
});

test("where it is configured, a denied call is an error with the id, and a proxy that gets an agent's batch denies all of it", async () => {
  const one = await ask(`{"jsonrpc":"2.0","id":1e2,"method":"tools/call","params":{"name":"rm"}}`);
  expect([one.status, one.body.startsWith(`{"jsonrpc":"2.0","id":1e2,"error":{"code":-32003,`)]).toEqual([200, true]);
  const sent = upstream.requests.length;
  const batch = await ask(`[${list},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"rm"}}]`);
  expect([JSON.parse(batch.body), upstream.requests.length]).toMatchObject([[{ id: 1, error: {} }, { id: 2, error: {} }], sent]);
});
