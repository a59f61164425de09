import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { EgressError } from "../../proxy/errors.ts";
import { Wire, allow, deny, eventually, gather } from "../support/exchange.ts";
import type { WireOptions } from "../support/exchange.ts";

let wire: Wire;
afterEach(async () => { await wire.close(); });

function open(options: WireOptions = {}): Wire {
  wire = new Wire("h1", options);
  return wire;
}

const H = "Host: api.ok\r\n";
/** The figure once nothing moves it any more: what the kernel's buffers and ours took. */
async function stillness(figure: () => number): Promise<number> {
  let before = -1;
  while (before !== figure()) {
    before = figure();
    for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
  }
  return before;
}

const statuses = (text: string): number[] => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

/** Rows D and H of the catalogue: what is sent, and the status it must end with. Nothing of them may reach a destination. */
const REFUSED: readonly (readonly [what: string, bytes: string, status: number])[] = [
  ["D01 Host of another name", "GET / HTTP/1.1\r\nHost: evil\r\n\r\n", 421],
  ["D05 absolute target of another name", `GET https://evil/ HTTP/1.1\r\n${H}\r\n`, 400],
  ["D07 two Host fields", `GET / HTTP/1.1\r\n${H}Host: evil\r\n\r\n`, 400],
  ["D07 no Host field", "GET / HTTP/1.1\r\n\r\n", 400],
  ["D11 another port", "GET / HTTP/1.1\r\nHost: api.ok:8443\r\n\r\n", 421],
  ["D13 an escape in Host", "GET / HTTP/1.1\r\nHost: api.ok%2eevil\r\n\r\n", 400],
  ["D13 a path in Host", "GET / HTTP/1.1\r\nHost: api.ok/x#\r\n\r\n", 400],
  ["D13 a space in Host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400],
  ["D13 user information in Host", "GET / HTTP/1.1\r\nHost: evil@api.ok\r\n\r\n", 400],
  ["D15 a decimal address", "GET / HTTP/1.1\r\nHost: 2130706433\r\n\r\n", 400],
  ["D15 a hexadecimal address", "GET / HTTP/1.1\r\nHost: 0x7f000001\r\n\r\n", 400],
  ["D17 a zone id", "GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", 400],
  ["D25 an encoded slash", `GET /v1%2fadmin HTTP/1.1\r\n${H}\r\n`, 400],
  ["D25 a backslash", `GET /v1\\admin HTTP/1.1\r\n${H}\r\n`, 400],
  ["D27 a fragment", `GET /a#b HTTP/1.1\r\n${H}\r\n`, 400],
  ["H01 length and chunks", `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ["H03 an unknown coding", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: xchunked\r\n\r\n`, 400],
  ["H03 chunked, identity", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked, identity\r\n\r\n`, 400],
  ["H03 ,chunked", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n`, 400],
  ["H03 two codings", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ["H03 a control byte before chunked", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`, 400],
  ["H03 0xa0 before chunked", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: \xa0chunked\r\n\r\n0\r\n\r\n`, 400],
  ["H03 chunks on HTTP/1.0", `POST / HTTP/1.0\r\n${H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ["H05 a space before the colon", "GET / HTTP/1.1\r\nHost : api.ok\r\n\r\n", 400],
  ["H05 a folded line", `GET / HTTP/1.1\r\n${H}X-A: 1\r\n 2\r\n\r\n`, 400],
  ["H05 a space before the first field", `GET / HTTP/1.1\r\n ${H}\r\n`, 400],
  ["H07 0xa0 in a value", `GET / HTTP/1.1\r\n${H}X-A: a\xa0b\r\n\r\n`, 400],
  ["H07 0xff in a value", `GET / HTTP/1.1\r\n${H}X-A: \xff\r\n\r\n`, 400],
  ["H11 another expectation", `POST / HTTP/1.1\r\n${H}Expect: 100-continue, foo\r\nContent-Length: 1\r\n\r\n`, 417],
  ["H17 the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["H19 a head of 20 KB", `GET / HTTP/1.1\r\n${H}${`X-A: ${"a".repeat(1_000)}\r\n`.repeat(20)}\r\n`, 431],
  ["H19 one field of 64 KB", `GET / HTTP/1.1\r\n${H}X-A: ${"a".repeat(65_536)}\r\n\r\n`, 431],
  ["H19 many fields", `GET / HTTP/1.1\r\n${H}${"a:b\r\n".repeat(2_300)}Authorization: x\r\n\r\n`, 431],
  ["H23 HTTP/1.9", `GET / HTTP/1.9\r\n${H}\r\n`, 400],
  ["H23 HTTP/1.32", `GET / HTTP/1.32\r\n${H}\r\n`, 400],
  ["H23 HTTP/0.9", "GET /\r\n\r\n", 400],
  ["a bare LF", "GET / HTTP/1.1\nHost: api.ok\n\n", 400],
  ["CONNECT", `CONNECT evil:443 HTTP/1.1\r\n${H}\r\n`, 400],
  ["TRACE", `TRACE / HTTP/1.1\r\n${H}\r\n`, 400],
  ["a trailer that sets a field of ours", `POST / HTTP/1.1\r\n${H}Trailer: Authorization\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ["W01 a WebSocket of version 12", `GET / HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`, 400],
  ["W01 a WebSocket with a bad key", `GET / HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n`, 400],
  ["a WebSocket with a body", `GET / HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc`, 400],
];

describe.each([["in one piece", false], ["a byte at a time", true]] as const)("an agent cannot, %s,", (_how, byteAtATime) => {
  test.each(REFUSED)("get past the boundary with %s", async (_what, bytes, status) => {
    open();
    const text = await wire.talk(bytes, { byteAtATime });
    expect(statuses(text)).toEqual([status]);
    expect(text).toContain(`"request_id":"c1.1"`);
    await eventually(() => wire.connectionsEnded === 1, "the end of the connection");
    expect(wire.fakes.upstream.requests).toHaveLength(0);
    expect(wire.fakes.records.map(({ phase, record }) => [phase, "outcome" in record && record.outcome])).toEqual([["closed", "denied"]]);
  });

  test.each(["2;\n", "2\r\r;", "0x2\r\n", "10000000000000002\r\n", "INVALID!!!\r\n"])("smuggle with the chunk size %j (H09)", async (size) => {
    open();
    const text = await wire.talk(`POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n${size}ab\r\n0\r\n\r\nGET /second HTTP/1.1\r\n${H}\r\n`, { byteAtATime });
    expect(statuses(text)).toEqual([400]);
    await eventually(() => wire.connectionsEnded === 1, "the end of the connection");
    expect(wire.fakes.upstream.requests.every(({ aborted }) => aborted?.code === "request.malformed")).toBe(true);
    expect(wire.fakes.closed()).toMatchObject([{ outcome: "denied", error: { code: "request.malformed" } }]);
  });

  test("have a request sent that waits behind a refused one (H13)", async () => {
    open();
    wire.fakes.answer = (input) => (input.request?.path[0] === "denied" ? deny() : allow());
    const get = (path: string) => `GET ${path} HTTP/1.1\r\n${H}\r\n`;
    const text = await wire.talk(get("/a") + get("/denied") + get("/b"), { byteAtATime, until: (seen) => byteAtATime && statuses(seen).length === 3 });
    // A byte at a time the third one does not wait: the connection is kept, and it is served.
    expect(statuses(text)).toEqual(byteAtATime ? [200, 403, 200] : [200, 403]);
    expect(wire.fakes.upstream.requests.map(({ request }) => request.head.target)).toEqual(byteAtATime ? ["/a", "/b"] : ["/a"]);
  });

  test("set a field that lies about the way or the hop (D29, C05)", async () => {
    open();
    await wire.talk(`GET / HTTP/1.1\r\n${H}X-Forwarded-Host: evil\r\nX-Original-URL: /admin\r\nConnection: close, x-api-key\r\nX-Api-Key: 1\r\nX-Kept: 1\r\n__proto__: a\r\n\r\n`, { byteAtATime });
    expect(wire.fakes.upstream.requests[0]?.request.head.headers).toEqual([["x-kept", "1"], ["__proto__", "a"]]);
  });

  test("turn the connection to h2c (H15)", async () => {
    open();
    const text = await wire.talk(`GET / HTTP/1.1\r\n${H}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`, { byteAtATime, until: (seen) => seen.endsWith("ok") });
    expect(statuses(text)).toEqual([200]);
    expect(wire.fakes.upstream.requests[0]?.request.head).toMatchObject({ upgrade: null, headers: [] });
  });
});

test("pipelined answers keep their order even if the first one is late", async () => {
  open();
  wire.fakes.upstream.script = (flow) => { setImmediate(() => { flow.reply(200, [["content-length", "2"]], String(flow.request.head.target)); }); };
  const text = await wire.talk(["/1", "/2", "/3"].map((path) => `GET ${path} HTTP/1.1\r\n${H}\r\n`).join(""), { until: (seen) => seen.endsWith("/3") });
  expect([...text.matchAll(/\/\d$|\/\d(?=HTTP)/gm)].map(([path]) => path)).toEqual(["/1", "/2", "/3"]);
});

test("an agent cannot queue requests without end", async () => {
  open();
  wire.fakes.upstream.script = () => {};
  const socket = await wire.connect();
  socket.write(`GET / HTTP/1.1\r\n${H}\r\n`.repeat(20_000));
  await eventually(() => wire.fakes.upstream.requests.length === 1, "the first request");
  wire.fakes.upstream.requests[0]?.reply(200, [["content-length", "0"]]);
  await eventually(() => wire.fakes.upstream.requests.length === 2, "the second request");
  socket.destroy();
  await eventually(() => wire.connectionsEnded === 1, "the end of the connection");
  expect(wire.fakes.asked.length).toBeLessThanOrEqual(3);
});

describe("a body", () => {
  test("is asked for only after the decision (H11)", async () => {
    open();
    const socket = await wire.connect();
    const seen = gather(socket, (text) => text.endsWith("ok"));
    socket.write(`POST / HTTP/1.1\r\n${H}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
    await eventually(() => wire.fakes.decided().length === 1, "the decision");
    socket.write("hello");
    expect(statuses(await seen)).toEqual([100, 200]);
    expect(wire.fakes.upstream.requests[0]?.bodyBytes).toBe(5);
  });

  test("is never asked for when the request is denied", async () => {
    open();
    wire.fakes.answer = () => deny();
    const text = await wire.talk(`POST / HTTP/1.1\r\n${H}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
    expect(statuses(text)).toEqual([403]);
  });

  test("that is refused does not keep the agent from reading why", async () => {
    open();
    wire.fakes.answer = () => allow({ obligations: { maxRequestBytes: 10 } });
    const text = await wire.talk(`POST / HTTP/1.1\r\n${H}Content-Length: 200000\r\n\r\n${"x".repeat(200_000)}`);
    expect(statuses(text)).toEqual([413]);
    expect(text).toContain("request.body-limit");
  });

  test("that the destination answers early is not read to its end (W13)", async () => {
    open();
    wire.fakes.upstream.script = (flow) => { flow.reply(413, [["content-length", "0"]]); };
    const socket = await wire.connect();
    const seen = gather(socket);
    socket.write(`POST / HTTP/1.1\r\n${H}Content-Length: 1000000000\r\n\r\nx`);
    expect(statuses(await seen)).toEqual([413]);
  });

  test("flows as fast as the destination takes it, and is not gathered anywhere (W11)", async () => {
    open();
    const totalBytes = 64 << 20;
    const reading = Promise.withResolvers<void>();
    wire.fakes.upstream.script = async (flow) => {
      await reading.promise;
      await flow.drainBodyBytes();
      flow.reply(200, [["content-length", "0"]]);
    };
    const socket = await wire.connect();
    const seen = gather(socket, (text) => statuses(text).length === 1);
    socket.write(`POST / HTTP/1.1\r\n${H}Content-Length: ${totalBytes}\r\n\r\n`);
    const chunk = Buffer.alloc(65_536, "x");
    let sentBytes = 0;
    const send = (): void => {
      while (sentBytes < totalBytes) {
        sentBytes += chunk.byteLength;
        if (!socket.write(chunk)) return;
      }
    };
    socket.on("drain", send);
    send();
    expect(await stillness(() => sentBytes)).toBeLessThan(16 << 20);
    reading.resolve();
    expect(statuses(await seen)).toEqual([200]);
    await eventually(() => wire.usages.length === 1, "the end of the exchange");
    expect(wire.usages[0]).toEqual({ requestBytes: totalBytes, responseBytes: 0 });
  });

  test("that stops half-way ends the exchange and the destination's part of it", async () => {
    open();
    const socket = await wire.connect();
    socket.write(`POST / HTTP/1.1\r\n${H}Content-Length: 10\r\n\r\nhalf`);
    await eventually(() => wire.fakes.upstream.requests[0]?.bodyBytes === 4, "the first half");
    socket.destroy();
    await eventually(() => wire.fakes.closed().length === 1, "the record");
    expect(wire.fakes.closed()[0]).toMatchObject({ outcome: "failed", error: { code: "relay.aborted" }, usage: { requestBytes: 4 } });
    expect(wire.fakes.upstream.requests[0]?.aborted).not.toBeNull();
  });
});

describe("an answer", () => {
  test("streams event by event, head first, none held back (SSE)", async () => {
    open();
    wire.fakes.upstream.script = (flow) => { flow.head(200, [["content-type", "text/event-stream"]]); };
    const socket = await wire.connect();
    let seen = "";
    socket.on("data", (chunk: Buffer) => { seen += chunk.toString(); });
    socket.write(`GET / HTTP/1.1\r\n${H}\r\n`);
    await eventually(() => seen.includes("\r\n\r\n"), "the head, before any event");
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      wire.fakes.upstream.requests[0]?.data(event);
      await eventually(() => seen.includes(event), event);
    }
    wire.fakes.upstream.requests[0]?.end([["x-checksum", "1"]]);
    await eventually(() => seen.endsWith("x-checksum: 1\r\n\r\n"), "the trailer");
    socket.destroy();
  });

  test("that breaks off cannot be taken for a whole one", async () => {
    open();
    wire.fakes.upstream.script = (flow) => { flow.head(200, []); flow.data("half"); setImmediate(() => { flow.fail(new EgressError("upstream.aborted", "reset")); }); };
    const text = await wire.talk(`GET / HTTP/1.1\r\n${H}\r\n`);
    expect(text).toContain("half");
    expect(text).not.toContain("\r\n0\r\n\r\n");
  });

  test("waits while the agent does not read, in bounded memory (R07)", async () => {
    open();
    let writtenBytes = 0;
    wire.fakes.upstream.script = async (flow) => {
      flow.head(200, []);
      const chunk = Buffer.alloc(65_536);
      for (let at = 0; at < 1_000; at += 1) {
        writtenBytes += chunk.byteLength;
        if (!flow.data(chunk)) await flow.drained();
      }
    };
    const socket = await wire.connect();
    socket.pause();
    socket.write(`GET / HTTP/1.1\r\n${H}\r\n`);
    await eventually(() => writtenBytes > 0, "the first bytes");
    await stillness(() => writtenBytes);
    expect(writtenBytes).toBeLessThan(16 << 20);
    socket.destroy();
    await eventually(() => wire.fakes.closed().length === 1, "the end");
  });
});

describe("an agent that leaves", () => {
  test.each([["ends its side", (socket: Socket) => { socket.end(); }], ["resets", (socket: Socket) => { socket.resetAndDestroy(); }]])("and %s ends the destination's part", async (_how, leave) => {
    open();
    wire.fakes.upstream.script = () => {};
    const socket = await wire.connect();
    socket.write(`GET / HTTP/1.1\r\n${H}\r\n`);
    await eventually(() => wire.fakes.upstream.requests.length === 1, "the request");
    leave(socket);
    await eventually(() => wire.connectionsEnded === 1, "the end of the connection");
    expect(wire.fakes.upstream.requests[0]?.aborted?.code).toBe("relay.aborted");
    expect(wire.fakes.closed()).toMatchObject([{ outcome: "failed", error: { code: "relay.aborted" } }]);
    expect(wire.fakes.reservations[0]?.ended).toBe("settled");
  });
});

describe("time", () => {
  test("a head that trickles is ended after its limit, and recorded (W09)", async () => {
    open({ http1: { headTimeoutMs: 50 } });
    const text = await wire.talk("GET / HTTP/1.1\r\nHost: ap");
    expect(statuses(text)).toEqual([408]);
    expect(wire.fakes.closed()[0]?.error?.code).toBe("request.timeout");
  });

  test("a connection on drain finishes its exchange and takes no other", async () => {
    open();
    wire.fakes.upstream.script = () => {};
    const socket = await wire.connect();
    const seen = gather(socket);
    socket.write(`GET / HTTP/1.1\r\n${H}\r\n`);
    await eventually(() => wire.fakes.upstream.requests.length === 1, "the request");
    wire.drain.abort();
    wire.fakes.upstream.requests[0]?.reply(200, [["content-length", "2"]], "ok");
    expect(await seen).toMatch(/connection: close[^]*ok$/i);
    await eventually(() => wire.connectionsEnded === 1, "the end");
  });

  test("a connection whose permission ends says why, if the answer has not begun", async () => {
    open();
    wire.fakes.upstream.script = () => {};
    const socket = await wire.connect();
    const seen = gather(socket);
    socket.write(`GET / HTTP/1.1\r\n${H}\r\n`);
    await eventually(() => wire.fakes.upstream.requests.length === 1, "the request");
    wire.hardEnd.abort(new Error("x"));
    expect(statuses(await seen)).toEqual([500]);
    await eventually(() => wire.connectionsEnded === 1, "the end");
  });
});
