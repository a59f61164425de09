import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTls } from "node:tls";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aRequest, aUsdBudget, startBudgetStand, type BudgetStand } from "../support/budget-stand.ts";
import { eventually, Received } from "../support/whole-proxy.ts";

const HOST = "api.openai.com";
const PATH = "/v1/chat/completions";
const BODY = JSON.stringify(aRequest("openai-chat").body);
const STREAM_BODY = JSON.stringify(aRequest("openai-chat", true).body);

let scene: BudgetStand;

beforeAll(async () => {
  scene = await startBudgetStand({ budgets: aUsdBudget("0.05") });
  scene.provider.isForgiving = true;
});

afterAll(async () => { await scene.stop(); });

interface Raw {
  readonly target?: string;
  readonly method?: string;
  readonly host?: string;
  readonly headers?: readonly string[];
  readonly body?: Buffer | string;
  /** After the body. */
  readonly tail?: string;
}

function rawRequest({ target = PATH, method = "POST", host = HOST, headers = [], body = BODY, tail = "" }: Raw = {}): Buffer {
  const hasFraming = headers.some((line) => /^(content-length|transfer-encoding)/i.test(line));
  const own = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, "Authorization: Bearer dummy", "Content-Type: application/json"];
  const lines = [...own, ...headers, ...(hasFraming ? [] : [`Content-Length: ${Buffer.byteLength(body)}`])];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), Buffer.from(body), Buffer.from(tail)]);
}

/** Of a stream, its end; of anything else, a body of JSON. */
function isWhole(text: string): boolean {
  return /^content-type: text\/event-stream/im.test(text) ? text.includes("[DONE]") : /\r\n\r\n[^]*[}\]]\s*(?:\r\n0\r\n\r\n)?$/.test(text);
}

/** Sends bytes to a model's host, and waits until what they led to is over. @returns what came back */
async function send(bytes: Buffer, isAnswered: (text: string) => boolean = isWhole): Promise<string> {
  const socket = await scene.stand.open(HOST);
  const received = new Received(socket);
  socket.write(bytes);
  await eventually("an answer, or the end of the connection", () => received.isOver || isAnswered(received.text)).catch(() => undefined);
  socket.destroy();
  await scene.settled();
  return received.text;
}

interface Books {
  readonly calls: number;
  readonly uses: number;
  readonly paid: bigint;
  readonly charged: bigint;
}

function books(): Books {
  const { calls, nanoUsd } = scene.provider.tally;
  const uses = scene.uses();
  return { calls: calls.length, paid: nanoUsd, uses: uses.length, charged: uses.reduce((sum, { charged }) => sum + BigInt(charged?.nanoUsd ?? "0"), 0n) };
}

/** Whatever was paid because of it was charged. @returns how many calls the provider answered */
async function expectMetered(trick: () => Promise<unknown>): Promise<number> {
  const before = books();
  await trick();
  await scene.settled();
  const after = books();
  expect(after.charged - before.charged).toBeGreaterThanOrEqual(after.paid - before.paid);
  return after.calls - before.calls;
}

test("an ordinary request is answered and charged: the tricks below are compared with it", async () => {
  expect(await expectMetered(async () => send(rawRequest()))).toBe(1);
  expect(books().charged).toBe(books().paid);
});

describe("another writing of the path", () => {
  test.each([
    "//v1/chat/completions", "/v1//chat/completions", "/v1/chat/completions/", "/v1/chat/%63ompletions", "/v1/chat%2fcompletions", "/v1/./chat/completions", "/v1/x/../chat/completions",
    "/v1/%2e%2e/v1/chat/completions", "/V1/CHAT/COMPLETIONS", "/v1/chat/completions?x=1", "/v1/chat/completions;a=b", "/v1\\chat\\completions", "/v1/chat/%2563ompletions",
    "/v1/chat/completions%20", "/v1/chat/completions%00", "/v1/chat/completions#x", "/v1/moderations/../chat/completions", "/v1/files/%2e%2e/chat/completions", "/v1/moderations;/../chat/completions",
  ])("%s", async (target) => {
    await expectMetered(async () => send(rawRequest({ target })));
  });

  test.each([`https://${HOST}${PATH}`, `http://${HOST}${PATH}`, `https://example.com${PATH}`, `https://API.OPENAI.COM${PATH}`, `https://x@${HOST}${PATH}`])("in absolute form: %s", async (target) => {
    await expectMetered(async () => send(rawRequest({ target })));
  });
});

describe("another writing of the host", () => {
  test.each(["API.OPENAI.COM", "api.openai.com.", "api.openai.com:443", "api.openai.com:8443", "api.openai.com, example.com", "example.com", "api.anthropic.com"])("%s", async (host) => {
    await expectMetered(async () => send(rawRequest({ host })));
  });

  test("twice", async () => {
    expect(await expectMetered(async () => send(rawRequest({ headers: ["Host: example.com"] })))).toBe(0);
  });

  test.each(["API.OPENAI.COM", "api.openai.com.", "api.openai.com:443"])("as :authority of HTTP/2: %s", async (authority) => {
    await expectMetered(async () => {
      const socket = await scene.stand.open(HOST, ["h2"]);
      const session = connectHttp2(`https://${HOST}`, { createConnection: () => socket });
      const head = { ":method": "POST", ":path": PATH, ":authority": authority, "content-type": "application/json", authorization: "Bearer dummy" };
      const stream = session.on("error", () => undefined).request(head);
      stream.on("error", () => undefined).end(BODY);
      stream.resume();
      await once(stream, "close");
      session.destroy();
    });
  });

  test("another in SNI than in the head", async () => {
    expect(await expectMetered(async () => {
      const socket = await scene.stand.open("api.mistral.ai");
      const received = new Received(socket);
      socket.write(rawRequest());
      await eventually("an answer", () => received.isOver || received.text.includes("\r\n\r\n"));
      socket.destroy();
    })).toBe(0);
  });

  test("none in SNI", async () => {
    await expectMetered(async () => {
      const socket = connectTls({ socket: await scene.stand.dial({ address: await scene.stand.resolve(HOST), port: 443 }), ca: scene.stand.proxy.caPem, checkServerIdentity: () => undefined });
      const received = new Received(socket);
      socket.on("error", () => undefined).write(rawRequest());
      await eventually("an answer, or the end", () => received.isOver || received.text.includes("\r\n\r\n"));
      socket.destroy();
    });
  });
});

describe("another writing of the body", () => {
  test.each([
    ["gzip", gzipSync], ["deflate", deflateSync], ["br", brotliCompressSync], ["zstd", zstdCompressSync],
    ["gzip, gzip", (body: Buffer) => gzipSync(gzipSync(body))], ["x-unknown", (body: Buffer) => body],
  ] as const)("encoded with %s", async (coding, encode) => {
    await expectMetered(async () => send(rawRequest({ headers: [`Content-Encoding: ${coding}`], body: encode(Buffer.from(BODY)) })));
  });

  const twice = (first: string, second: string) => `{${first},${BODY.slice(1, -1)},${second}}`;
  test.each([
    ["a limit twice, the small one first", twice('"max_completion_tokens":1', '"max_completion_tokens":20000')],
    ["a limit twice, the small one last", twice('"max_completion_tokens":20000', '"max_completion_tokens":1')],
    ["a model twice", twice('"model":"gpt-4o-mini"', '"model":"gpt-5.5"')],
    ["messages twice", twice('"messages":[]', `"messages":[{"role":"user","content":${JSON.stringify("long ".repeat(500))}}]`)],
    ["n twice", twice('"n":1', '"n":50')],
    ["a field in escapes", BODY.replace('"max_completion_tokens":50', '"max_completion_tokens":1,"max_completion_token\\u0073":20000')],
    ["a byte order mark", `\ufeff${BODY}`],
    ["n of a hundred", `{"n":100,${BODY.slice(1)}`],
    ["a limit as a text", BODY.replace(":50", ':"50"')], ["a limit with an exponent", BODY.replace(":50", ":1e9")],
    ["a negative limit", BODY.replace(":50", ":-1")], ["__proto__", `{"__proto__":{"n":50},${BODY.slice(1)}`],
  ])("%s", async (_name, body) => {
    await expectMetered(async () => send(rawRequest({ body, headers: ['X-Answer-Plan: {"output":2000}'] })));
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16le", "multipart/form-data; boundary=x"])("as %s", async (type) => {
    await expectMetered(async () => send(rawRequest({ headers: [`Content-Type: ${type}`] })));
  });

  test.each([["said not to be told", { include_usage: false }], ["null", { include_usage: null }], ["empty", {}]])("a stream whose usage is %s", async (_name, options) => {
    const body = JSON.stringify({ ...JSON.parse(STREAM_BODY) as object, stream_options: options });
    expect(await expectMetered(async () => send(rawRequest({ body })))).toBe(1);
  });
});

describe("another framing", () => {
  const chunked = `${Buffer.byteLength(BODY).toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
  test.each([
    ["in chunks", { headers: ["Transfer-Encoding: chunked"], body: chunked }],
    ["in chunks with extensions and a trailer", { headers: ["Transfer-Encoding: chunked"], body: chunked.replace("\r\n{", ";x=y\r\n{").replace("0\r\n\r\n", "0\r\nX-Trailer: 1\r\n\r\n") }],
    ["with both lengths", { headers: ["Transfer-Encoding: chunked", "Content-Length: 4"], body: chunked }],
    ["with two lengths", { headers: ["Content-Length: 4", `Content-Length: ${Buffer.byteLength(BODY)}`] }],
    ["with a disguised coding", { headers: ["Transfer-Encoding: xchunked", `Content-Length: ${Buffer.byteLength(BODY)}`] }],
    ["with data behind it", { tail: "and more" }],
    ["with another method", { method: "PUT" }], ["with GET and a body", { method: "GET" }], ["with a method of a header", { method: "GET", headers: ["X-HTTP-Method-Override: POST"] }],
  ])("%s", async (_name, raw) => {
    await expectMetered(async () => send(rawRequest(raw)));
  });

  test("a second request behind the first is metered by itself", async () => {
    expect(await expectMetered(async () => {
      await send(Buffer.concat([rawRequest(), rawRequest()]), (text) => text.split("chatcmpl-").length === 3);
    })).toBe(2);
  });

  test("a request inside of the body of another is none", async () => {
    const inner = rawRequest({ target: "/v1/batches" }).toString();
    await expectMetered(async () => send(rawRequest({ body: `${BODY}${inner}`, headers: [`Content-Length: ${Buffer.byteLength(BODY)}`] })));
  });

  test("an expectation is met, and what follows is metered", async () => {
    expect(await expectMetered(async () => {
      const socket = await scene.stand.open(HOST);
      const received = new Received(socket);
      const [head = "", body = ""] = rawRequest({ headers: ["Expect: 100-continue"] }).toString().split(/(?<=\r\n\r\n)/);
      socket.write(head);
      await eventually("100 Continue", () => received.text.includes("100 Continue"));
      socket.write(body);
      await eventually("an answer", () => received.text.includes("chatcmpl-"));
      socket.destroy();
    })).toBe(1);
  });
});

describe("another door of the provider", () => {
  test.each([
    "/v1/batches", "/v1/completions", "/v1/images/generations", "/v1/audio/speech", "/v1/realtime/sessions", "/v1/videos", "/v1/fine_tuning/jobs", "/v1/threads/t/runs", "/v1/assistants",
  ])("%s is refused where dollars count", async (target) => {
    let told = "";
    expect(await expectMetered(async () => { told = await send(rawRequest({ target })); })).toBe(0);
    expect(told).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(told).toContain("nothing can tell what it may cost");
  });

  test("a WebSocket is refused, in words", async () => {
    const headers = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
    let told = "";
    expect(await expectMetered(async () => { told = await send(rawRequest({ target: "/v1/responses", method: "GET", headers, body: "" })); })).toBe(0);
    expect(told).not.toMatch(/^HTTP\/1\.1 101/);
    expect(scene.provider.tally.arrivals.some(({ status }) => status === 101)).toBe(false);
  });

  test("HTTP without TLS", async () => {
    await expectMetered(async () => {
      const socket = await scene.stand.dial({ address: await scene.stand.resolve(HOST), port: 80 });
      const received = new Received(socket);
      socket.on("error", () => undefined).write(rawRequest());
      await eventually("an answer, or the end", () => received.isOver || received.text.includes("\r\n\r\n"));
      socket.destroy();
    });
  });
});

test("whatever was tried, the books agree: nothing was paid that was not charged, and the cap was not passed", async () => {
  const { paid, charged } = books();
  expect(charged).toBeGreaterThanOrEqual(paid);
  expect(paid).toBeLessThanOrEqual(50_000_000n);
  expect(paid).toBeGreaterThan(0n);
});
