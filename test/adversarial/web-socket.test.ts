import { Duplex } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { Secret } from "../../common/secret.ts";
import { acceptFor } from "../../proxy/exchange/web-socket-handshake.ts";
import type { HeaderList } from "../../proxy/model/request.ts";
import { Wire, allow, deny, eventually, gather } from "../support/exchange.ts";
import type { WireOptions } from "../support/exchange.ts";
import { NO_LOAN } from "../../proxy/model/loan.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const HANDSHAKE = `GET /chat HTTP/1.1\r\nHost: api.ok\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n`;
const SWITCH: HeaderList = [["upgrade", "websocket"], ["connection", "Upgrade"], ["sec-websocket-accept", acceptFor(KEY)]];

/** The destination's side of an upgraded connection: what it got, and what it says. */
class Destination extends Duplex {
  got = "";
  isEnded = false;
  isStuck = false;
  #pending: (() => void) | null = null;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.got += chunk.toString("latin1");
    if (this.isStuck) this.#pending = done;
    else done();
  }

  override _final(done: () => void): void {
    this.isEnded = true;
    done();
  }

  go(): void {
    this.isStuck = false;
    this.#pending?.();
  }
}

let wire: Wire;
afterEach(async () => { await wire.close(); });

function open(options: WireOptions = {}, headers: HeaderList = SWITCH): Destination {
  wire = new Wire("h1", options);
  const destination = new Destination();
  wire.fakes.upstream.script = (flow) => { flow.upgrade(headers, destination); };
  return destination;
}

const text = (payload: string, opcode = 0x81): Buffer => Buffer.concat([Buffer.from([opcode, payload.length]), Buffer.from(payload, "latin1")]);

async function shaken(): Promise<{ socket: Awaited<ReturnType<Wire["connect"]>>; seen: () => string; all: Promise<string> }> {
  const socket = await wire.connect();
  let seen = "";
  socket.on("data", (chunk: Buffer) => { seen += chunk.toString("latin1"); });
  const all = gather(socket);
  socket.write(HANDSHAKE);
  await eventually(() => seen.includes("\r\n\r\n"), "the handshake's answer");
  return { socket, seen: () => seen, all };
}

describe("a WebSocket", () => {
  test("is decided and recorded like any exchange, then carries bytes both ways, counted", async () => {
    const destination = open();
    const { socket, seen, all } = await shaken();
    expect(seen()).toMatch(/^HTTP\/1\.1 101 [^]*sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
    expect(wire.fakes.asked[0]?.request?.upgrade).toBe("websocket");
    expect(wire.fakes.decided()).toHaveLength(1);
    socket.write(text("ping"));
    await eventually(() => destination.got.endsWith("ping"), "the agent's frame");
    destination.push(text("pong"));
    await eventually(() => seen().endsWith("pong"), "the destination's frame");
    destination.push(null);
    await all;
    await eventually(() => destination.isEnded, "the agent's end, passed on");
    await eventually(() => wire.connectionsEnded === 1, "the end");
    expect(wire.fakes.closed()).toMatchObject([{ outcome: "allowed", status: 101, usage: { requestBytes: 6, responseBytes: 6 } }]);
  });

  test("carries frames that came behind the handshake in one piece", async () => {
    const destination = open();
    const socket = await wire.connect();
    socket.write(Buffer.concat([Buffer.from(HANDSHAKE), text("early")]));
    await eventually(() => destination.got.endsWith("early"), "the early frame");
    socket.destroy();
    await eventually(() => wire.connectionsEnded === 1, "the end");
    expect(wire.fakes.closed()[0]).toMatchObject({ outcome: "allowed", usage: { requestBytes: 7 } });
  });

  test("waits while the destination does not read", async () => {
    const destination = open();
    const { socket } = await shaken();
    destination.isStuck = true;
    const frame = Buffer.concat([Buffer.from([0x82, 126, 0xff, 0xff]), Buffer.alloc(65_535)]);
    let sent = 0;
    while (sent < 1_000 && socket.write(frame)) sent += 1;
    for (let turn = 0; turn < 300; turn += 1) await new Promise(setImmediate);
    expect(destination.got.length).toBeLessThan(1 << 20);
    socket.destroy();
    destination.go();
  });

  test("ends when one agent or destination goes, whichever it is", async () => {
    const destination = open();
    await shaken();
    destination.destroy(new Error("reset"));
    await eventually(() => wire.connectionsEnded === 1, "the end");
  });
});

describe("a WebSocket does not outlive its permission (W05)", () => {
  const CLOSE_1008 = "\x88\x0f\x03\xf0policy.denied";

  test("between two frames the agent is told 1008", async () => {
    const destination = open();
    const { all } = await shaken();
    wire.fakes.answer = () => deny();
    await wire.fakes.live.reconsiderAll();
    expect((await all).endsWith(CLOSE_1008)).toBe(true);
    expect(destination.destroyed).toBe(true);
    await eventually(() => wire.fakes.closed().length === 1, "the record");
    expect(wire.fakes.closed()[0]).toMatchObject({ outcome: "denied", error: { code: "policy.denied" } });
  });

  test("inside a frame, its rest comes first", async () => {
    const destination = open();
    const { seen, all } = await shaken();
    destination.push(text("half a message").subarray(0, 6));
    await eventually(() => seen().endsWith("half"), "the first half");
    wire.fakes.answer = () => deny();
    await wire.fakes.live.reconsiderAll();
    destination.push(Buffer.concat([text("half a message").subarray(6), text("not this")]));
    expect((await all).endsWith(`half a message${CLOSE_1008}`)).toBe(true);
  });

  test("a frame that never ends is cut within its time", async () => {
    const destination = open({ exchange: { webSocketCloseMs: 50 } });
    const { seen, all } = await shaken();
    destination.push(text("half a message").subarray(0, 6));
    await eventually(() => seen().endsWith("half"), "the first half");
    wire.fakes.answer = () => deny();
    await wire.fakes.live.reconsiderAll();
    expect((await all).endsWith("half")).toBe(true);
    await eventually(() => wire.connectionsEnded === 1, "the end");
  });

  test("nor its connection's: the hard end tells 1008 too", async () => {
    open();
    const { all } = await shaken();
    wire.hardEnd.abort(new Error("x"));
    expect(await all).toMatch(/\x88[^]\x03\xf0internal$/);
  });

  test("nor its byte limit", async () => {
    const destination = open();
    wire.fakes.byteLimit = 10;
    const { seen, all } = await shaken();
    destination.push(text("123456"));
    await eventually(() => seen().endsWith("123456"), "the first frame");
    destination.push(text("123456"));
    expect(await all).toMatch(/123456\x88[^]\x03\xf0budget\.exhausted$/);
    await eventually(() => wire.fakes.closed().length === 1, "the record");
    expect(wire.fakes.closed()[0]).toMatchObject({ outcome: "denied", error: { code: "budget.exhausted" } });
  });

  test("nor its silence", async () => {
    open({ exchange: { webSocketIdleTimeoutMs: 100 } });
    const { all } = await shaken();
    wire.fakes.clock.advance(100);
    expect(await all).toMatch(/\x88[^]\x03\xf0upstream\.timeout$/);
  });
});

describe("a destination cannot", () => {
  test.each<[string, HeaderList]>([
    ["accept another key", [...SWITCH.slice(0, 2), ["sec-websocket-accept", "AAAA"]]],
    ["turn to another protocol", [["upgrade", "h2c"], ["connection", "Upgrade"]]],
  ])("%s", async (_what, headers) => {
    const destination = open({}, headers);
    expect(await wire.talk(HANDSHAKE)).toContain("HTTP/1.1 502 ");
    expect(destination.destroyed).toBe(true);
    expect(wire.fakes.closed()).toMatchObject([{ outcome: "failed", error: { code: "upstream.malformed" } }]);
  });

  test("announce a frame of 2^63 bytes (W03)", async () => {
    const destination = open();
    const { all } = await shaken();
    destination.push(Buffer.from([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]));
    expect(await all).toMatch(/\x88[^]\x03\xea/);
  });

  test("show the agent the credential that was lent, whole or in parts", async () => {
    const destination = open();
    wire.fakes.answer = () => allow({ grants: ["g"] });
    wire.fakes.loan = { ...NO_LOAN, headers: [["authorization", new Secret("Bearer c4nary-s3cret")]], strip: [], references: [], secrets: [new Secret("c4nary-s3cret")] };
    const { all } = await shaken();
    const frame = text("see c4nary-s3cret!");
    destination.push(frame.subarray(0, 10));
    destination.push(frame.subarray(10));
    destination.push(null);
    const seen = await all;
    expect(seen).toContain("\x01\x04see ");
    expect(seen).toContain("\x80\x0e*************!");
    expect(seen).not.toContain("c4nary");
  });

  test("hide it from the boundary by masking its frames", async () => {
    const destination = open();
    wire.fakes.answer = () => allow({ grants: ["g"] });
    wire.fakes.loan = { ...NO_LOAN, headers: [["authorization", new Secret("Bearer c4nary-s3cret")]], secrets: [new Secret("c4nary-s3cret")] };
    const { all } = await shaken();
    destination.push(Buffer.from([0x81, 0x82, 1, 1, 1, 1, 0x69, 0x69]));
    expect(await all).toMatch(/\x88[^]\x03\xea/);
  });
});

test("an agent cannot announce a frame of 2^63 bytes (W03)", async () => {
  const destination = open();
  const { socket, all } = await shaken();
  socket.write(Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]));
  expect(await all).toMatch(/\x88[^]\x03\xea/);
  expect(destination.got).toBe("");
});

test("a handshake that is denied opens nothing", async () => {
  const destination = open();
  wire.fakes.answer = () => deny();
  expect(await wire.talk(HANDSHAKE)).toContain("HTTP/1.1 403 ");
  expect([wire.fakes.upstream.requests.length, destination.got]).toEqual([0, ""]);
});

test("a handshake behind an unfinished request is refused", async () => {
  open();
  wire.fakes.upstream.script = (flow) => { setImmediate(() => { flow.reply(200, [["content-length", "2"]], "ok"); }); };
  const seen = await wire.talk(`GET / HTTP/1.1\r\nHost: api.ok\r\n\r\n${HANDSHAKE}`);
  expect([...seen.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(["200", "400"]);
});
