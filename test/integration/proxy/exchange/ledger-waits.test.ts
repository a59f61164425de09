import { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { acceptFor } from "../../../../proxy/exchange/web-socket-handshake.ts";
import { eventually, Wire } from "../../../support/exchange.ts";
import { FakeLedger } from "../../../support/fake-ledger.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const HANDSHAKE = `GET /chat HTTP/1.1\r\nHost: api.ok\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`;
const text = (payload: string): Buffer => Buffer.concat([Buffer.from([0x81, payload.length]), Buffer.from(payload)]);

let wire: Wire;
let ledger: FakeLedger;
let more: PromiseWithResolvers<void>;

beforeEach(() => {
  wire = new Wire("h1");
  ledger = new FakeLedger({ bytes: 10_000_000n, seconds: 2n });
  more = Promise.withResolvers<void>();
  Object.assign(wire.fakes.rooms, { budget: ledger });
});
afterEach(async () => { await wire.close(); });

/** What is at hand is used up: reading waits until the ledger has given more. */
function waits(): void {
  ledger.refill = more.promise;
}

function goesOn(): void {
  ledger.refill = null;
  more.resolve();
}

/** Time enough for whatever does not wait. */
async function meanwhile(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
}

describe("while the ledger is asked for more bytes", () => {
  test("no more is read of a request's body, and all of it arrives afterwards", async () => {
    let got = "";
    wire.fakes.upstream.script = async (flow) => {
      for await (const chunk of flow.request.body!) got += String(chunk);
      flow.reply(200, [["content-length", "2"]], "ok");
    };
    const socket = await wire.connect();
    waits();
    socket.write("POST / HTTP/1.1\r\nHost: api.ok\r\nContent-Length: 6\r\n\r\none");
    await eventually(() => got === "one", "the first bytes");
    socket.write("two");
    await meanwhile();
    expect(got).toBe("one");
    goesOn();
    await eventually(() => wire.fakes.closed().length === 1, "the answer");
    expect([got, wire.fakes.closed()[0]?.status]).toEqual(["onetwo", 200]);
    socket.destroy();
  });

  test("neither side of a WebSocket is read, and nothing of it is lost", async () => {
    let got = "";
    const destination = new Duplex({ read() {}, write(chunk: Buffer, _encoding, done) { got += chunk.toString("latin1"); done(); } });
    wire.fakes.upstream.script = (flow) => { flow.upgrade([["upgrade", "websocket"], ["connection", "Upgrade"], ["sec-websocket-accept", acceptFor(KEY)]], destination); };
    const socket = await wire.connect();
    let seen = "";
    socket.on("data", (chunk: Buffer) => { seen += chunk.toString("latin1"); });
    socket.write(HANDSHAKE);
    await eventually(() => seen.includes("\r\n\r\n"), "the handshake");
    waits();
    socket.write(text("first"));
    await eventually(() => got.endsWith("first"), "the first frame");
    socket.write(text("second"));
    destination.push(text("answer"));
    await meanwhile();
    expect([got.endsWith("first"), seen.endsWith("\r\n\r\n")]).toEqual([true, true]);
    goesOn();
    await eventually(() => got.endsWith("second") && seen.endsWith("answer"), "the rest, both ways");
    socket.destroy();
  });
});

test("a WebSocket whose time is used up is told that its permission has ended", async () => {
  const destination = new Duplex({ read() {}, write(_chunk, _encoding, done) { done(); } });
  wire.fakes.upstream.script = (flow) => { flow.upgrade([["upgrade", "websocket"], ["connection", "Upgrade"], ["sec-websocket-accept", acceptFor(KEY)]], destination); };
  const socket = await wire.connect();
  let seen = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => { seen = Buffer.concat([seen, chunk]); });
  socket.write(HANDSHAKE);
  await eventually(() => ledger.open.length === 1 && seen.includes("101"), "the handshake");
  const clock = setInterval(() => { wire.fakes.clock.advance(500); }, 300);
  await eventually(() => wire.fakes.closed().length === 1, "the end", 8_000);
  clearInterval(clock);
  expect(wire.fakes.closed()[0]).toMatchObject({ status: 101, error: { code: "budget.exhausted" } });
  expect(seen.subarray(-20).toString("latin1")).toContain("\u0003\u00f0budget.exhausted");
  expect(ledger.settled.seconds).toBe(2n);
  socket.destroy();
});
