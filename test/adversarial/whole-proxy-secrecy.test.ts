import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { acceptFor } from "../../proxy/exchange/web-socket-handshake.ts";
import { startRawUpstream, type RawRequest, type RawUpstream } from "../support/raw-upstream.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { mintAuthority } from "../support/tls-authority.ts";
import { auditText, eventually, exchangesOf, Received } from "../support/whole-proxy.ts";

const HOST = "api.secrecy.test";
/** Lower case, so that it is also a lawful field name. */
const SECRET = `canary-${randomBytes(12).toString("hex")}`;
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

const compressed = (coding: string, body: Buffer) => Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-encoding: ${coding}\r\nconnection: close\r\n\r\n`), body]);
const hexes = [...Buffer.from(SECRET)].map((byte) => byte.toString(16));

/** A destination that gives the credential back wherever an answer has room for it. */
const ANSWERS: Readonly<Record<string, string | Buffer>> = {
  "/early-hint": `HTTP/1.1 103 Early Hints\r\nlink: <${SECRET}>\r\n\r\n${OK}`,
  "/processing": `HTTP/1.1 102 Processing\r\nx-back: ${SECRET}\r\n\r\n${OK}`,
  "/reason": `HTTP/1.1 200 ${SECRET}\r\ncontent-length: 2\r\n\r\nok`,
  "/field-value": `HTTP/1.1 200 OK\r\nx-back: Bearer ${SECRET}\r\ncontent-length: 2\r\n\r\nok`,
  "/field-name": `HTTP/1.1 200 OK\r\nx-${SECRET}: 1\r\ncontent-length: 2\r\n\r\nok`,
  "/field-name-upper": `HTTP/1.1 200 OK\r\nX-${SECRET.toUpperCase()}: 1\r\ncontent-length: 2\r\n\r\nok`,
  "/location": `HTTP/1.1 302 Found\r\nlocation: https://elsewhere.test/?leak=${SECRET}\r\ncontent-length: 0\r\n\r\n`,
  "/set-cookie": `HTTP/1.1 200 OK\r\nset-cookie: t=${SECRET}\r\nwww-authenticate: Bearer realm="${SECRET}"\r\ncontent-length: 2\r\n\r\nok`,
  "/trailer": `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-back\r\n\r\n${chunk("ok")}0\r\nx-back: ${SECRET}\r\n\r\n`,
  "/trailer-name": `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk("ok")}0\r\nx-${SECRET}: 1\r\n\r\n`,
  "/chunk-extension": `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=${SECRET}\r\nok\r\n0\r\n\r\n`,
  "/chunked-apart": `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${[...SECRET].map(chunk).join("")}0\r\n\r\n`,
  "/json": `HTTP/1.1 200 OK\r\ncontent-length: ${SECRET.length + 10}\r\n\r\n{"back":"${SECRET}"`.slice(0, -1) + `"`,
  "/base64": `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${["", "x", "xy"].map((shift) => Buffer.from(`${shift}${SECRET}`).toString("base64")).join(" ")}`,
  "/hex-and-reversed": `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${Buffer.from(SECRET).toString("hex")} ${[...SECRET].toReversed().join("")}`,
  "/not-found": `HTTP/1.1 404 Not Found\r\ncontent-length: ${SECRET.length}\r\n\r\n${SECRET}`,
  "/too-short": `HTTP/1.1 500 Oops\r\ncontent-length: 9999\r\nconnection: close\r\n\r\n${SECRET}`,
  "/gzip": Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n`), gzipSync(SECRET)]),
  "/brotli": compressed("br", brotliCompressSync(SECRET)),
  "/deflate-without-zlib": compressed("deflate", deflateRawSync(SECRET)),
  "/zstd": compressed("zstd", zstdCompressSync(SECRET)),
  "/gzip-in-brotli": compressed("gzip, br", brotliCompressSync(gzipSync(SECRET))),
  "/gzip-cut-short": compressed("gzip", gzipSync(SECRET).subarray(0, -4)),
  "/gzip-and-more": compressed("gzip", Buffer.concat([gzipSync(SECRET.slice(0, 9)), gzipSync(SECRET.slice(9)), Buffer.from(SECRET)])),
  "/coding-unknown": compressed("snappy", Buffer.from(SECRET)),
  "/coding-is-the-secret": compressed(SECRET, Buffer.from("x")),
  "/lengths-are-the-secret": `HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: ${SECRET}\r\n\r\nok`,
  "/transfer-coding-is-the-secret": `HTTP/1.1 200 OK\r\ntransfer-encoding: ${SECRET}\r\n\r\nok`,
  "/json-escapes": `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${hexes.map((hex) => `\\u00${hex}`).join("")}`,
  "/url-twice": `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${hexes.map((hex) => `%25${hex}`).join("")}`,
  "/mime": `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${Buffer.from(`${"x".repeat(50)}${SECRET}`).toString("base64").replaceAll(/(.{76})/g, "$1\r\n")}`,
  "/utf-16": Buffer.concat([Buffer.from("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"), Buffer.from(SECRET, "utf16le")]),
  "/not-http": `${SECRET} is not HTTP\r\n\r\n`,
  "/bad-field": `HTTP/1.1 200 OK\r\nx back ${SECRET}: 1\r\ncontent-length: 2\r\n\r\nok`,
  "/partial": `HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-${SECRET.length - 1}/100\r\ncontent-length: ${SECRET.length}\r\n\r\n${SECRET}`,
  "/socket": `HTTP/1.1 101 ${SECRET}\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${acceptFor(KEY)}\r\nx-back: ${SECRET}\r\n\r\n`,
};

const folder = mkdtempSync(join(tmpdir(), "weir-canary-"));
let upstream: RawUpstream;
let stand: Stand;
let agentSaw = "";

beforeAll(async () => {
  const authority = await mintAuthority();
  upstream = await startRawUpstream(await authority.leaf([HOST]), ({ path }, socket) => {
    const answer = ANSWERS[path.split("?", 1)[0] ?? ""] ?? OK;
    socket.write(answer);
    if (path === "/socket") {
      socket.write(Buffer.from([0x81, SECRET.length]));
      for (const character of SECRET) socket.write(character);
    } else if (!Buffer.isBuffer(answer) ? /connection: close|not HTTP/.test(answer) : true) socket.end();
  });
  writeFileSync(join(folder, "secret"), SECRET, { mode: 0o600 });
  const bind = { hosts: [HOST], methods: ["GET", "HEAD", "POST", "OPTIONS"] };
  stand = await startStand({
    authority, routes: [{ name: HOST, port: 443, dialPort: upstream.port }],
    config: { grants: {
      api: { credential: { type: "file", path: join(folder, "secret") }, bind },
      key: { credential: { type: "file", path: join(folder, "secret") }, inject: { header: "x-api-key", format: "{secret}" }, bind },
    } },
    policyData: { hosts: [{ name: HOST, rule: "api", methods: ["*"], websocket: true, grants: ["api", "key"] }] },
  });
});

afterAll(async () => {
  await stand.stop();
  await upstream.close();
  rmSync(folder, { recursive: true });
});

/** Sends one request's bytes; everything until the connection ends, or until nothing more can come. */
async function send(bytes: string): Promise<string> {
  const socket = await stand.open(HOST);
  const received = new Received(socket);
  const closed = exchangesOf(stand.records, "closed").length;
  socket.write(bytes, "latin1");
  await eventually("the exchange is over, or a WebSocket is open", () => exchangesOf(stand.records, "closed").length > closed || received.text.includes("101 Switching"));
  if (received.text.includes("101 Switching")) await eventually("the frame is whole", () => received.text.length >= received.text.indexOf("\r\n\r\n") + 6 + SECRET.length || received.isOver);
  socket.end();
  await eventually("the rest is read", () => received.isOver);
  agentSaw += received.text;
  return received.text;
}

const head = (method: string, path: string, ...fields: string[]) => `${[`${method} ${path} HTTP/1.1`, `Host: ${HOST}`, ...fields].join("\r\n")}\r\n\r\n`;

/** The forms in which nobody may find it. */
function traces(text: string): string[] {
  const raw = Buffer.from(SECRET);
  const forms = {
    raw: SECRET, hex: raw.toString("hex"), reversed: [...SECRET].toReversed().join(""),
    base64: raw.toString("base64").slice(0, -4), base64Shifted: Buffer.concat([Buffer.from("x"), raw]).toString("base64").slice(4, -4),
    percent: [...raw].map((byte) => `%${byte.toString(16)}`).join(""), escapes: [...raw].map((byte) => `\\u00${byte.toString(16)}`).join(""),
    twice: [...raw].map((byte) => `%25${byte.toString(16)}`).join(""), wide: Buffer.from(SECRET, "utf16le").toString("latin1"),
  };
  return Object.entries(forms).filter(([, form]) => text.toLowerCase().includes(form.toLowerCase())).map(([name]) => name);
}

const bodyOf = async (path: string) => (await send(head("GET", path))).split("\r\n\r\n").slice(1).join("\r\n\r\n");

test("what a destination gives back is masked, not lost: the rest arrives, decoded, and the record says what it was", async () => {
  expect((await bodyOf("/brotli")).replaceAll(/[^*]/g, "")).toHaveLength(SECRET.length);
  expect(exchangesOf(stand.records, "closed").at(-1)?.redactions).toEqual([{ place: "body", reference: expect.stringMatching(/^api@file:/) as string, count: 1 }]);
  expect(await send(head("GET", "/location"))).toMatch(/location: https:\/\/elsewhere\.test\/\?leak=\*+\r\n/);
  expect(exchangesOf(stand.records, "closed").at(-1)?.redactions).toMatchObject([{ place: "header", count: 1 }]);
});

describe("a destination cannot give the credential back in (C01, C03, C09, C11, C19)", () => {
  test.each(Object.keys(ANSWERS).filter((path) => path !== "/socket"))("%s", async (path) => {
    for (const method of ["GET", "HEAD"]) expect(traces(await send(head(method, path)))).toEqual([]);
    expect(upstream.requests.at(-1)?.text, "it was lent").toContain(SECRET);
  });

  test("a WebSocket's handshake or frames", async () => {
    const text = await send(head("GET", "/socket", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${KEY}`, "Sec-WebSocket-Extensions: permessage-deflate"));
    expect(text).toContain("101 Switching Protocols");
    expect(traces(text)).toEqual([]);
    expect(upstream.requests.at(-1)?.text).not.toContain("permessage-deflate");
  });
});

/** What the destination read of a field, by any spelling that a server may take for it. */
function fieldsLike(name: string, { text }: RawRequest): string[] {
  return (text.split("\r\n\r\n", 1)[0] ?? "").split("\r\n").slice(1).filter((line) => (line.split(":", 1)[0] ?? "").toLowerCase().replaceAll("_", "-") === name);
}

describe("an agent cannot touch the lent fields", () => {
  test.each<readonly [string, ...string[]]>([
    ["by listing them as hop-by-hop", "Connection: close, Authorization, X-Api-Key"],
    ["by sending them itself", "Authorization: Bearer mine", "X-Api-Key: mine"],
    ["by sending them twice, in odd case", "aUTHORIZATION: Bearer mine", "AUTHORIZATION: Bearer mine too", "x-API-key: mine"],
    ["by underscores, which many servers read as hyphens", "X_Api_Key: mine", "x-api_key: mine", "Proxy_Authorization: Basic mine"],
    ["by another field that APIs know", "Cookie: session=mine", "Private-Token: mine", "Proxy-Authorization: Basic mine"],
    ["by 190 fields around them", ...Array.from({ length: 190 }, (_, at) => `x-filler-${at}: ${at}`), "Authorization: mine"],
    ["by naming them as a trailer's", "X-Ok: 1"],
  ])("%s", async (_what, ...fields) => {
    await send(head("GET", "/fields", ...fields));
    const seen = upstream.requests.at(-1);
    if (seen === undefined) throw new Error("nothing arrived");
    expect(fieldsLike("authorization", seen)).toEqual([`authorization: Bearer ${SECRET}`]);
    expect(fieldsLike("x-api-key", seen)).toEqual([`x-api-key: ${SECRET}`]);
    for (const name of ["cookie", "private-token", "proxy-authorization"]) expect(fieldsLike(name, seen)).toEqual([]);
    expect(seen.text).not.toContain("mine");
  });

  test.each<readonly [string, string]>([
    ["by folding a line", head("GET", "/refused", "X-A: 1\r\n Authorization: mine")],
    ["by a space before the colon", head("GET", "/refused", "Authorization : mine")],
    ["by a trailer that is announced", `${head("POST", "/refused", "Transfer-Encoding: chunked", "Trailer: Authorization")}2\r\nok\r\n0\r\nAuthorization: mine\r\n\r\n`],
    ["by more than 200 fields", head("GET", "/refused", ...Array.from({ length: 201 }, (_, at) => `x-filler-${at}: ${at}`))],
    ["by TRACE", head("TRACE", "/refused")],
  ])("%s: refused, with nothing sent", async (_what, bytes) => {
    const before = upstream.requests.length;
    expect(await send(bytes)).toMatch(/^HTTP\/1\.1 (400|403|431) /);
    expect(upstream.requests).toHaveLength(before);
  });

  test("by a trailer that is not announced: it goes nowhere", async () => {
    await send(`${head("POST", "/fields", "Transfer-Encoding: chunked")}2\r\nok\r\n0\r\nAuthorization: mine\r\nX-Api-Key: mine\r\n\r\n`);
    expect(upstream.requests.map(({ text }) => text).join("")).not.toContain("mine");
  });
});

test("after all of it, no record, no metric and no byte that the agent read has a trace of it", async () => {
  expect(traces(agentSaw)).toEqual([]);
  expect(traces(auditText(stand))).toEqual([]);
  expect(traces(JSON.stringify(stand.records))).toEqual([]);
  const decided = exchangesOf(stand.records, "decided");
  expect(decided).toHaveLength(upstream.requests.length);
  expect(exchangesOf(stand.records, "closed").filter(({ decision }) => decision?.allowed === true)).toHaveLength(decided.length);
});
