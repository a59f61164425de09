import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dummyKey } from "../../common/dummy-keys.ts";
import { acceptFor } from "../../proxy/exchange/web-socket-handshake.ts";
import { startRawUpstream, type RawUpstream } from "../support/raw-upstream.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { isSigned } from "../support/sigv4.ts";
import { mintAuthority } from "../support/tls-authority.ts";
import { listen } from "../support/upstream-sink.ts";
import { auditText, eventually, exchangesOf, Received } from "../support/whole-proxy.ts";

const canary = (name: string) => `canary-${name}-${randomBytes(12).toString("hex")}`;
const SECRETS = { header: canary("header"), query: canary("query"), filled: canary("filled"), aws: canary("aws"), session: canary("session") };
/** The one name at which something is lent, and one at which policy lends nothing. */
const BOUND = { header: "header.bound.test", query: "query.bound.test", filled: "filled.bound.test", aws: "s3.bound.test" };
const UNBOUND = "other.unbound.test";
const DUMMY = { header: dummyKey("github", "header", "GH_TOKEN"), filled: dummyKey("opaque", "filled", "TOKEN") };
const WS_KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

const folder = mkdtempSync(join(tmpdir(), "weir-injection-"));
let upstream: RawUpstream;
let plain: Server;
let plainConnections = 0;
let stand: Stand;
let said = "";

beforeAll(async () => {
  const authority = await mintAuthority();
  const names = [...Object.values(BOUND), UNBOUND];
  upstream = await startRawUpstream(await authority.leaf(names), ({ path }, socket) => {
    if (path === "/elsewhere") socket.write(`HTTP/1.1 302 Found\r\nlocation: https://${UNBOUND}/landed\r\ncontent-length: 0\r\n\r\n`);
    else if (path !== "/socket") socket.write(OK);
    else {
      socket.write(`HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${acceptFor(WS_KEY)}\r\n\r\n`);
      socket.on("data", (chunk: Buffer) => { said += chunk.toString("latin1"); });
    }
  });
  plain = createServer((socket) => { plainConnections += 1; socket.destroy(); });
  const plainPort = await listen(plain);
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return { type: "file", path: join(folder, name) };
  };
  const keys = file("aws", JSON.stringify({ id: "AKIAREALREALREALREAL", secret: SECRETS.aws, token: SECRETS.session }));
  const bind = (host: string) => ({ hosts: [host], paths: ["/**"] });
  stand = await startStand({
    authority,
    routes: [...names.map((name) => ({ name, port: 443, dialPort: upstream.port })), ...names.map((name) => ({ name, port: 80, dialPort: plainPort }))],
    config: { grants: {
      header: { credential: file("header", SECRETS.header), bind: bind(BOUND.header), env: { GH_TOKEN: "github" } },
      query: { credential: file("query", SECRETS.query), inject: { type: "query", parameter: "key" }, bind: bind(BOUND.query) },
      filled: {
        credential: file("filled", SECRETS.filled), bind: bind(BOUND.filled), env: { TOKEN: "opaque" },
        inject: { type: "placeholder", in: ["header", "path", "query", "json", "websocket"], headers: ["x-token"], bodyLimitBytes: 1_024 },
      },
      aws: {
        credential: { ...keys, fields: { accessKeyId: "id", secretAccessKey: "secret", sessionToken: "token" } },
        inject: { type: "aws-sigv4", regions: ["eu-west-1"], services: ["s3"] }, bind: bind(BOUND.aws), env: { AWS_ACCESS_KEY_ID: "auto" },
      },
    } },
    policyData: { hosts: [
      ...Object.entries(BOUND).map(([grant, name]) => ({ name, rule: grant, methods: ["*"], websocket: true, grants: [grant] })),
      { name: UNBOUND, rule: "free", methods: ["*"], ports: [80, 443], schemes: ["http", "https"] },
      { name: BOUND.header, rule: "plain", methods: ["*"], ports: [80], schemes: ["http"] },
    ] },
  });
});
afterAll(async () => {
  await stand.stop();
  await upstream.close();
  plain.close();
  rmSync(folder, { recursive: true });
});
let before = 0;
beforeEach(() => { before = upstream.requests.length; });

const arrived = () => upstream.requests.slice(before);
const closedLast = () => exchangesOf(stand.records, "closed").at(-1);
const ask = async (host: string, path: string, headers: Record<string, string> = {}, body?: string) =>
  stand.ask(body === undefined ? "GET" : "POST", `https://${host}${path}`, { headers, ...(body === undefined ? {} : { body }) });

/** The refusal that says whose key it was, its record, and that nothing left. */
function expectMisdirected(answer: { readonly status: number; readonly body: string }, grant: string): void {
  expect([answer.status, JSON.parse(answer.body)]).toMatchObject([403, { error: "credential.misdirected", rule: `grant.${grant}`, hint: expect.any(String) }]);
  expect(closedLast()).toMatchObject({ outcome: "denied", error: { code: "credential.misdirected", rule: `grant.${grant}` }, credentials: [] });
  expect(arrived()).toEqual([]);
}

describe("a key at a host where its grant is not lent (C07)", () => {
  test.each<[string, string, Record<string, string>]>([
    ["a bearer token", "/", { authorization: `Bearer ${DUMMY.header}` }], ["HTTP Basic", "/", { authorization: `Basic ${Buffer.from(`x:${DUMMY.header}`).toString("base64")}` }],
    ["a cookie", "/", { cookie: `a=${DUMMY.header}` }], ["any field", "/", { "x-note": DUMMY.header }], ["the path", `/${DUMMY.header}/x`, {}], ["the query", `/?a=${DUMMY.header}`, {}],
    ["a real key of its kind", "/", { authorization: `token ghp_${"a1B2c3".repeat(6)}` }],
  ])("is refused before anything is sent: %s", async (_what, path, headers) => {
    expectMisdirected(await ask(UNBOUND, path, headers), "header");
  });

  test("is refused over plain http, at the host of its grant too", async () => {
    for (const host of [UNBOUND, BOUND.header]) {
      const socket = await stand.dial({ address: await stand.resolve(host), port: 80 });
      const received = new Received(socket);
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${DUMMY.header}\r\nConnection: close\r\n\r\n`);
      await eventually("the refusal is read", () => received.isOver);
      expect(received.text).toContain("credential.misdirected");
    }
    expect(plainConnections).toBe(0);
  });

  test("is never replaced by the secret, nor is what looks like a template", async () => {
    await ask(UNBOUND, "/?q={secret}", { "x-note": "{{secret:header}} ${SECRET}" });
    expect(arrived()[0]?.text).toContain("{{secret:header}} ${SECRET}");
  });

  test("passes where its grant is lent, and is gone before it leaves", async () => {
    expect((await ask(BOUND.header, "/", { authorization: `Bearer ${DUMMY.header}` })).status).toBe(200);
    expect(arrived()[0]?.text).toContain(`authorization: Bearer ${SECRETS.header}\r\n`);
    expect(arrived()[0]?.text).not.toContain(DUMMY.header);
  });

  test("the secret itself too, after it was lent once", async () => {
    await ask(BOUND.header, "/");
    before = upstream.requests.length;
    expectMisdirected(await ask(UNBOUND, "/", { "x-note": SECRETS.header }), "header");
  });
});

describe("after a redirect to another host", () => {
  test("nothing is lent: the boundary does not follow, and the agent's next request is judged for itself", async () => {
    const answer = await ask(BOUND.header, "/elsewhere", { authorization: `Bearer ${DUMMY.header}` });
    expect([answer.status, answer.headers.location]).toEqual([302, `https://${UNBOUND}/landed`]);
    expect(arrived()).toHaveLength(1);
    before = upstream.requests.length;
    expectMisdirected(await ask(UNBOUND, "/landed", { authorization: `Bearer ${DUMMY.header}` }), "header");
    expect((await ask(UNBOUND, "/landed")).status).toBe(200);
    expect(arrived()[0]?.text).not.toMatch(/canary|authorization/);
  });
});

describe("what is lent cannot be taken away or doubled (C05)", () => {
  test.each(["close, X-Token, Authorization", "authorization", "x-amz-date, x-amz-security-token, x-amz-content-sha256"])("by Connection: %s", async (list) => {
    const socket = await stand.open(BOUND.header);
    const received = new Received(socket);
    socket.write(`GET / HTTP/1.1\r\nHost: ${BOUND.header}\r\nConnection: ${list}\r\n\r\n`);
    await eventually("the answer is read", () => received.text.includes("200 OK"));
    socket.destroy();
    expect(arrived()[0]?.text).toContain(`authorization: Bearer ${SECRETS.header}\r\n`);
  });

  test("by parameters of the same name, however written, nor by others that say who asks", async () => {
    await ask(BOUND.query, "/v1?key=mine&a=1&%6Bey=mine&KEY=mine&access_token=mine");
    expect(arrived()[0]?.path).toBe(`/v1?a=1&key=${SECRETS.query}`);
    expect(closedLast()?.queryKeys).not.toContain(SECRETS.query);
  });

  test("by parameters that a fragment, a semicolon or a second question mark begins", async () => {
    for (const query of ["a=1;key=mine", "a=1?key=mine", "a=1%26key=mine", "a=1&key=mine%23"]) {
      await ask(BOUND.query, `/v1?${query}`);
      expect(upstream.requests.at(-1)?.path).toMatch(new RegExp(`&key=${SECRETS.query}$`));
    }
  });
});

describe("a signature (C15)", () => {
  const signed = (service = "s3", region = "eu-west-1") =>
    `AWS4-HMAC-SHA256 Credential=${dummyKey("aws-access-key-id", "aws", "AWS_ACCESS_KEY_ID")}/20261101/${region}/${service}/aws4_request, SignedHeaders=host;x-amz-date, Signature=${"0".repeat(64)}`;
  const fieldsOf = (text: string) => Object.fromEntries((text.split("\r\n\r\n", 1)[0] ?? "").split("\r\n").slice(1).map((line) => line.split(/: ?(.*)/s).slice(0, 2) as [string, string]).map(([name, value]) => [name.toLowerCase(), value]));

  test("is made anew over what is sent, at the host of the request and nowhere else", async () => {
    await ask(BOUND.aws, "/bucket/key?x=1", { authorization: signed(), "x-amz-content-sha256": "UNSIGNED-PAYLOAD" });
    const [request] = arrived();
    const fields = fieldsOf(request?.text ?? "");
    expect(isSigned({ method: "GET", target: request?.path ?? "", fields }, SECRETS.aws)).toBe(true);
    expect(isSigned({ method: "GET", target: request?.path ?? "", fields: { ...fields, host: UNBOUND } }, SECRETS.aws)).toBe(false);
    expect(isSigned({ method: "DELETE", target: request?.path ?? "", fields }, SECRETS.aws)).toBe(false);
  });

  test.each<[string, string, Record<string, string>]>([
    ["another service", "aws-sigv4.scope", { authorization: signed("iam") }], ["another region", "aws-sigv4.scope", { authorization: signed("s3", "us-east-1") }],
    ["nothing that is signed", "aws-sigv4.unsigned", {}], ["chunks signed by the agent", "aws-sigv4.streaming", { authorization: signed(), "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" }],
  ])("is not made for %s", async (_what, rule, headers) => {
    const answer = await ask(BOUND.aws, "/bucket/key", headers, "body");
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([403, { error: "credential.misdirected", rule }]);
    expect(arrived()).toEqual([]);
  });

  test("is not made where the dummy goes to another host", async () => {
    expectMisdirected(await ask(UNBOUND, "/", { authorization: signed() }), "aws");
  });
});

describe("placeholders", () => {
  test("are filled in where the grant says so, and only there", async () => {
    await ask(BOUND.filled, `/bot${DUMMY.filled}/x?t=${DUMMY.filled}`, { "x-token": DUMMY.filled, "x-note": DUMMY.filled, "content-type": "application/json" }, `{"t":"${DUMMY.filled}"}`);
    const [request] = arrived();
    expect(request?.path).toBe(`/bot${SECRETS.filled}/x?t=${SECRETS.filled}`);
    expect(request?.text).toContain(`x-token: ${SECRETS.filled}\r\n`);
    expect(request?.text).toContain(`x-note: ${DUMMY.filled}\r\n`);
    expect(request?.text.endsWith(`\r\n\r\n{"t":"${SECRETS.filled}"}`)).toBe(true);
    expect(request?.text).toContain(`content-length: ${SECRETS.filled.length + 8}\r\n`);
  });

  test("are filled in nowhere that others write down (C17)", async () => {
    await ask(BOUND.filled, "/", { referer: `https://x.test/${DUMMY.filled}`, origin: `https://${DUMMY.filled}.test`, "user-agent": DUMMY.filled });
    expect(arrived()[0]?.text).not.toContain(SECRETS.filled);
  });

  test("in a body that is too large end the request before it leaves", async () => {
    const answer = await ask(BOUND.filled, "/", { "content-type": "application/json" }, `"${"x".repeat(1_024)}"`);
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([413, { error: "request.body-limit", hint: expect.stringContaining("bodyLimitBytes") }]);
    expect(arrived()).toEqual([]);
  });

  test("are filled in a body that waits for 100 before it comes, and that comes in chunks", async () => {
    const socket = await stand.open(BOUND.filled);
    const received = new Received(socket);
    socket.write(`POST /late HTTP/1.1\r\nHost: ${BOUND.filled}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n`);
    await eventually("the agent may go on", () => received.text.startsWith("HTTP/1.1 100 Continue\r\n\r\n"));
    expect(arrived()).toEqual([]);
    const half = Math.floor(DUMMY.filled.length / 2);
    for (const part of [`"${DUMMY.filled.slice(0, half)}`, `${DUMMY.filled.slice(half)}"`]) socket.write(`${part.length.toString(16)}\r\n${part}\r\n`);
    socket.write("0\r\n\r\n");
    await eventually("the answer is read", () => received.text.includes("200 OK"));
    socket.destroy();
    expect(arrived().map(({ text }) => text.split("\r\n\r\n")[1])).toEqual([`"${SECRETS.filled}"`]);
    expect(arrived()[0]?.text).not.toMatch(/transfer-encoding|expect:/i);
  });

  test("are filled in a body that comes by HTTP/2, of which too much is refused on its stream alone", async () => {
    const h2 = await stand.open(BOUND.filled, ["h2"]);
    const session = connect(`https://${BOUND.filled}`, { createConnection: () => h2 });
    const post = async (body: string) => {
      const stream = session.request({ ":method": "POST", ":path": "/two", "content-type": "application/json" });
      stream.end(body);
      const [headers] = await once(stream, "response") as [Record<string, unknown>];
      stream.resume();
      await once(stream, "close");
      return headers[":status"];
    };
    expect(await post(`"${"x".repeat(1_100)}"`)).toBe(413);
    expect(await post(`"${DUMMY.filled}"`)).toBe(200);
    session.destroy();
    expect(arrived().map(({ text }) => text.split("\r\n\r\n")[1])).toEqual([`"${SECRETS.filled}"`]);
  });

  test("are filled in what the agent says on a WebSocket, masked anew", async () => {
    const socket = await stand.open(BOUND.filled);
    const received = new Received(socket);
    socket.write(`GET /socket HTTP/1.1\r\nHost: ${BOUND.filled}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${WS_KEY}\r\n\r\n`);
    await eventually("the WebSocket is open", () => received.text.includes("101 Switching"));
    const text = `{"token":"${DUMMY.filled}"}`;
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]));
    const expected = `{"token":"${SECRETS.filled}"}`;
    await eventually("the message arrived", () => said.length === 6 + expected.length);
    const frame = Buffer.from(said, "latin1");
    expect(Buffer.from(frame.subarray(6).map((byte, at) => byte ^ (frame[2 + at % 4] ?? 0))).toString()).toBe(expected);
    socket.destroy();
  });
});

test("after all of it, no record has a trace of a secret, and every one that was lent is named", () => {
  for (const secret of Object.values(SECRETS)) expect(auditText(stand) + JSON.stringify(stand.records)).not.toContain(secret);
  const decided = exchangesOf(stand.records, "decided");
  expect(decided).toHaveLength(upstream.requests.length);
  expect(decided.every(({ host, credentials }) => (credentials.length === 1) === (host !== UNBOUND))).toBe(true);
});
