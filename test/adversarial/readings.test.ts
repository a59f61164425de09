import { once } from "node:events";
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startStand, type Answered, type Stand } from "../support/running-proxy.ts";
import { mintAuthority, type TestAuthority } from "../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../support/upstream-server.ts";
import { eventually, exchangesOf, LivePolicy } from "../support/whole-proxy.ts";

const HOST = "chat.hostile.test";
const READ_BYTES = 4_096;
/** One instance may take a quarter. */
const HELD_BYTES = 65_536;
const dataOf = (channel: string, textLength = 4_000) => ({
  hosts: [
    { name: HOST, rule: "chat.post", methods: ["POST"], paths: ["/post", "/sse"], json: { "/channel": { one_of: [channel] }, "/text": { max_length: textLength, optional: true } }, max_read_bytes: READ_BYTES },
    { name: HOST, rule: "chat.talk", methods: ["GET"], paths: ["/talk"], json: { "/channel": { one_of: [channel] } } },
    { name: HOST, rule: "chat.graph", paths: ["/graphql"], graphql: { types: ["query"] } },
  ],
});

let authority: TestAuthority;
let upstream: UpstreamServer;
let policy: LivePolicy;
let stand: Stand;
/** The same with little patience. The other has so much that a busy machine uses none of it up. */
let hasty: Stand;

beforeAll(async () => {
  authority = await mintAuthority();
  upstream = await startUpstream(await authority.leaf([HOST]));
  policy = new LivePolicy(dataOf("#agents"));
  const starting = async (exchange: object) => startStand({
    authority, policyData: {}, routes: [{ name: HOST, port: 443, dialPort: upstream.port }], config: { policy: policy.config, exchange: { heldBytes: HELD_BYTES, ...exchange } },
  });
  stand = await starting({});
  hasty = await starting({ bodyIdleTimeoutMs: 400, heldBodyTimeoutMs: 1_200 });
});
afterAll(async () => {
  await stand.stop();
  await hasty.stop();
  await upstream.close();
  policy[Symbol.dispose]();
});

const ALLOWED = `{"channel":"#agents"}`;
const JSON_TYPE = { "content-type": "application/json" };
const post = async (body: Buffer | string, headers: Record<string, string> = JSON_TYPE, path = "/post") => stand.ask("POST", `https://${HOST}${path}`, { headers, body });
const refused = async (sending: Promise<Answered>): Promise<number> => {
  const before = upstream.requests.length;
  const { status } = await sending;
  expect(upstream.requests).toHaveLength(before);
  return status;
};
const works = async () => expect((await post(ALLOWED)).status).toBe(200);

/** A request whose body the test writes piece by piece. */
async function begin(headers: Record<string, string> = {}, path = "/post", { open } = stand): Promise<ClientRequest> {
  const socket = await open(HOST);
  const sent = request({ createConnection: () => socket, method: "POST", path, headers: { host: HOST, ...JSON_TYPE, ...headers } });
  sent.on("error", () => {});
  return sent;
}
const answerTo = async (sent: ClientRequest): Promise<IncomingMessage> => (await once(sent, "response") as [IncomingMessage])[0];

describe("an agent cannot pass a body by what is read of it", () => {
  test.each([
    ["a key twice", `{"channel":"#agents","channel":"#board"}`, 400], ["a key twice, escaped", String.raw`{"channel":"#agents","chan\u006eel":"#board"}`, 400], ["a key in two cases", `{"channel":"#agents","Channel":"#board"}`, 400],
    ["a byte order mark", `\ufeff${ALLOWED}`, 400], ["bytes that are no UTF-8", Buffer.concat([Buffer.from(`{"channel":"#agents","text":"`), Buffer.from([0xc0, 0xaf]), Buffer.from(`"}`)]), 400],
    ["too many levels", `{"channel":"#agents","text":${"[".repeat(201)}${"]".repeat(201)}}`, 400], ["two texts", `${ALLOWED}{"channel":"#board"}`, 403], ["a text with more behind it", `${ALLOWED},`, 403],
    ["a prototype", `{"__proto__":{"channel":"#agents"}}`, 403], ["a list around it", `[${ALLOWED}]`, 403], ["nothing", "", 403],
    ["another method than its own", `{"channel":"#agents","_method":"DELETE"}`, 400], ["a rule's key in another writing", `{"channel":"#agents","Te_xt":"x"}`, 403],
  ])("with %s", async (_what, body, status) => { expect(await refused(post(body))).toBe(status); });

  test.each([
    ["a text", { "content-type": "text/plain" }, 403], ["a form", { "content-type": "application/x-www-form-urlencoded" }, 403], ["nothing", {}, 403], ["another alphabet", { "content-type": "application/json; charset=utf-7" }, 403],
    ["coded twice", { ...JSON_TYPE, "content-encoding": "gzip, gzip" }, 403], ["coded, which it is not", { ...JSON_TYPE, "content-encoding": "gzip" }, 400],
    ["coded as servers undo it in two ways", { ...JSON_TYPE, "content-encoding": "deflate" }, 403],
  ])("that is said to be %s", async (_what, headers: Record<string, string>, status) => { expect(await refused(post(ALLOWED, headers))).toBe(status); });

  test("that is coded, and a text all the same to who undoes no coding", async () => {
    expect(await refused(post("5", { ...JSON_TYPE, "content-encoding": "br" }))).toBe(400);
  });

  test.each(["x-http-method-override", "x_http_method_override", "x-method-override"])("that %s makes another request of: the field does not arrive", async (name) => {
    expect((await post(ALLOWED, { ...JSON_TYPE, [name]: "DELETE" })).status).toBe(200);
    expect(upstream.requests.at(-1)!.headers).not.toHaveProperty(name);
  });

  test("in a query beside it", async () => {
    expect(await refused(post(`{"query":"{ a }"}`, JSON_TYPE, "/graphql?query=mutation%7Bb%7D"))).toBe(400);
    expect(await refused(post(ALLOWED, JSON_TYPE, "/post?_method=DELETE"))).toBe(400);
  });

  test("in a WebSocket, which has none", async () => {
    const headers = { "connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" };
    expect(await refused(stand.ask("GET", `https://${HOST}/talk`, { headers }))).toBe(403);
  });

  test("over HTTP/2 either", async () => {
    const socket = await stand.open(HOST, ["h2"]);
    const session = connectHttp2(`https://${HOST}`, { createConnection: () => socket });
    const statusOf = async (body: string) => {
      const stream = session.request({ ":method": "POST", ":path": "/post", ...JSON_TYPE });
      stream.end(body);
      const [headers] = await once(stream, "response") as [{ readonly ":status": number }];
      stream.resume();
      return headers[":status"];
    };
    const before = upstream.requests.length;
    expect(await Promise.all([statusOf(ALLOWED), statusOf(`{"channel":"#board"}`), statusOf(`{"channel":"#agents","channel":"#board"}`)])).toEqual([200, 403, 400]);
    expect(upstream.requests.length - before).toBe(1);
    session.destroy();
  });
});

describe("an agent cannot fill the boundary with bodies", () => {
  const large = `{"channel":"#agents","text":"${"x".repeat(READ_BYTES)}"}`;

  test("larger than policy reads, announced or not", async () => {
    expect(await refused(post(large))).toBe(413);
    const sent = await begin({ "transfer-encoding": "chunked" });
    const answer = answerTo(sent);
    sent.write(large);
    expect((await answer).statusCode).toBe(413);
    sent.destroy();
    await works();
  });

  test.each([["gzip", gzipSync], ["zstd", zstdCompressSync]] as const)("that unpack to more than it reads: %s", async (coding, encode) => {
    for (let time = 0; time < 3; time += 1) {
      expect(await refused(post(encode(ALLOWED.padEnd(3_000_000, " ")), { ...JSON_TYPE, "content-encoding": coding }))).toBe(413);
    }
    await works();
  });

  test("of many parts: they count with what is made of them", async () => {
    expect(await refused(post(`{"channel":"#agents","text":[${"{},".repeat(1_300)}0]}`))).toBe(413);
    await works();
  });

  test("that never end: silent, or a byte at a time", async () => {
    const silent = await begin({ "transfer-encoding": "chunked" }, "/post", hasty);
    silent.write("{");
    expect((await answerTo(silent)).statusCode).toBe(408);
    const slow = await begin({ "transfer-encoding": "chunked" }, "/post", hasty);
    const answer = answerTo(slow);
    const drip = setInterval(() => { slow.write(" "); }, 50);
    expect((await answer).statusCode).toBe(408);
    clearInterval(drip);
    silent.destroy();
    slow.destroy();
  });

  test("that it leaves behind: what was held is given back", async () => {
    // Each holds some 3 KB, and together more than one instance may.
    for (let time = 0; time < 12; time += 1) {
      const sent = await begin({ "content-length": "4000" });
      sent.write(" ".repeat(3_000));
      await pause(5);
      sent.destroy();
    }
    await eventually("room for others", async () => (await post(ALLOWED)).status === 200);
  });
});

describe("a body is not asked for where the head is enough", () => {
  test("100 is said only to whom policy reads", async () => {
    const before = upstream.requests.length;
    const ask = async (path: string) => {
      const sent = await begin({ "expect": "100-continue", "content-length": String(ALLOWED.length) }, path);
      let isTold = false;
      sent.on("continue", () => { isTold = true; sent.end(ALLOWED); });
      sent.flushHeaders();
      const answer = await answerTo(sent);
      answer.resume();
      sent.destroy();
      return [answer.statusCode, isTold];
    };
    expect(await ask("/post")).toEqual([200, true]);
    expect(await ask("/elsewhere")).toEqual([403, false]);
    expect(upstream.requests.length - before).toBe(1);
  });
});

describe("a change of policy", () => {
  const useAndWait = async (channel: string) => {
    const before = stand.records.length;
    policy.write(dataOf(channel));
    await eventually("the new policy", () => stand.records.slice(before).some((record) => record.kind === "lifecycle" && record.event.startsWith("policy.")));
  };

  test("holds for a body that was held back before it", async () => {
    const before = upstream.requests.length;
    const sent = await begin({ "content-length": String(ALLOWED.length) });
    sent.write(ALLOWED.slice(0, 5));
    await pause(50);
    await useAndWait("#other");
    sent.end(ALLOWED.slice(5));
    const answer = await answerTo(sent);
    expect([answer.statusCode, upstream.requests.length]).toEqual([403, before]);
    expect(JSON.parse(await text(answer))).toMatchObject({ error: "policy.denied" });
    await useAndWait("#agents");
    await works();
  });

  /** An answer that the destination would never end. */
  const open = async (body: string) => {
    const sent = await begin({ "content-length": String(body.length) }, "/sse?events=1000000000&everyMs=20");
    sent.end(body);
    const answer = await answerTo(sent);
    const ended = Promise.withResolvers<"ended">();
    answer.on("error", () => {}).on("close", () => { ended.resolve("ended"); }).resume();
    const goesOn = async () => once(answer, "data").then(() => "goes on" as const);
    return { ended: ended.promise, stands: async () => Promise.race([ended.promise, goesOn()]) };
  };
  const deniedStreams = () => exchangesOf(stand.records, "closed").filter(({ error, path }) => path === "/sse" && error?.code === "policy.denied").length;

  test("ends what is open by what was read of it, and nothing else", async () => {
    const [stays, goes] = [await open(ALLOWED), await open(`{"channel":"#agents","text":"too long"}`)];
    policy.write(dataOf("#agents", 5));
    expect(await goes.ended).toBe("ended");
    await eventually("its record", () => deniedStreams() === 1);
    // It was asked about before the one that was opened behind it.
    expect(await stays.stands()).toBe("goes on");
    expect(deniedStreams()).toBe(1);
    policy.write(dataOf("#other"));
    expect(await stays.ended).toBe("ended");
    await eventually("the record", () => deniedStreams() === 2);
  });
});
