import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EgressError } from "../../../../proxy/errors.ts";
import type { PolicyInput } from "../../../../proxy/policy/policy-engine.ts";
import { allow, ConnectionStand, deny, readToEnd } from "../../../support/connection-stand.ts";

let stand: ConnectionStand;
let server: Server;
let serve: (socket: Socket) => void;

beforeEach(async () => {
  serve = (socket) => { socket.on("data", (chunk: Buffer) => socket.write(chunk)).on("end", () => socket.end()); };
  server = createServer({ allowHalfOpen: true }, (socket) => { socket.on("error", () => {}); serve(socket); });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  await stand.close();
  server.close();
});

const port = () => (server.address() as AddressInfo).port;
const tunnelOpaque = ({ connection }: PolicyInput) => (connection?.wire === "opaque" ? allow("tunnel") : deny());

describe("a tunnel", () => {
  test("passes bytes both ways, recorded and reserved before the first, counted and settled after the last", async () => {
    stand = await ConnectionStand.open({ decide: tunnelOpaque, tunnelTo: port() });
    const client = await stand.dial("db.example.com", 5432);
    client.end("\0\0\0\u0008 hello");
    expect((await readToEnd(client)).toString()).toBe("\0\0\0\u0008 hello");
    expect(await stand.closed()).toMatchObject({
      wire: "opaque", handling: "tunnel", host: "db.example.com", port: 5432, outcome: "allowed", usage: { requestBytes: 10, responseBytes: 10 }, exchanges: 1,
    });
    expect(stand.trace).toEqual(["reserve", "commit connection", "dial", "settle 10+10"]);
    expect(stand.records[0]).toMatchObject({ phase: "opened", host: "db.example.com", decision: { allowed: true } });
  });

  test("lets the server speak first where policy allows it", async () => {
    serve = (socket) => { socket.end("SSH-2.0-test\r\n"); };
    stand = await ConnectionStand.open({ decide: tunnelOpaque, tunnelTo: port(), config: { serverFirstWaitMs: 30 } });
    const client = await stand.dial("git.example.com", 22);
    expect((await readToEnd(client)).toString()).toBe("SSH-2.0-test\r\n");
    client.end();
    expect(await stand.closed()).toMatchObject({ outcome: "allowed", usage: { requestBytes: 0, responseBytes: 14 } });
  });

  test("goes on after the agent has closed its half", async () => {
    serve = (socket) => { socket.resume().on("end", () => { socket.end("late answer"); }); };
    stand = await ConnectionStand.open({ decide: tunnelOpaque, tunnelTo: port() });
    const client = await stand.dial("db.example.com", 5432);
    client.end("\0question");
    expect((await readToEnd(client)).toString()).toBe("late answer");
    expect(await stand.closed()).toMatchObject({ outcome: "allowed" });
  });

  test("carries 32 MB unchanged and never runs far ahead of a slow reader", async () => {
    const size = 32 << 20;
    let produced = 0;
    const source = function* () { for (; produced < size; produced += 65_536) yield Buffer.alloc(65_536, 7); };
    serve = (socket) => { void pipeline(source, socket); };
    stand = await ConnectionStand.open({ decide: tunnelOpaque, tunnelTo: port() });
    const client = await stand.dial("db.example.com", 5432);
    client.end("\x01");
    let received = 0;
    let furthest = 0;
    for await (const chunk of client) {
      received += (chunk as Buffer).byteLength;
      furthest = Math.max(furthest, produced - received);
      await setImmediate();
    }
    expect(received).toBe(size);
    expect(furthest).toBeLessThan(8 << 20);
    expect(await stand.closed()).toMatchObject({ outcome: "allowed", usage: { responseBytes: size } });
  });

  test("is cut at the byte where its budget ends", async () => {
    stand = await ConnectionStand.open({ decide: tunnelOpaque, tunnelTo: port(), tunnelByteLimit: 1_000 });
    const client = await stand.dial("db.example.com", 5432);
    client.write(Buffer.alloc(600));
    await readToEnd(client);
    expect(await stand.closed()).toMatchObject({ outcome: "denied", error: { code: "budget.exhausted", rule: "budget.team-a" }, usage: { requestBytes: 600 } });
  });

  test("never dials if its opening cannot be recorded, and gives its reservation back", async () => {
    stand = await ConnectionStand.open({ decide: tunnelOpaque, tunnelTo: port(), commit: async () => { throw new EgressError("audit.unavailable", "disk full"); } });
    const client = await stand.dial("db.example.com", 5432);
    client.write("\0x");
    await readToEnd(client);
    expect(await stand.closed()).toMatchObject({ outcome: "failed", error: { code: "audit.unavailable" } });
    expect(stand.trace).toEqual(["reserve", "release"]);
  });

  test("passes the destination's reset on as a reset, not as a proper end", async () => {
    serve = (socket) => { socket.once("data", () => { socket.write("part"); socket.resetAndDestroy(); }); };
    stand = await ConnectionStand.open({ decide: tunnelOpaque, tunnelTo: port(), tcp: true });
    const client = await stand.dial("db.example.com", 5432, { overTcp: true });
    client.write("\0x");
    client.resume();
    const [error] = await once(client, "error") as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
    expect(await stand.closed()).toMatchObject({ error: { code: "upstream.aborted" }, peerAddress: "127.0.0.1" });
  });

  test("ends after its idle time", async () => {
    stand = await ConnectionStand.open({ decide: tunnelOpaque, tunnelTo: port(), config: { tunnelIdleTimeoutMs: 1_000 } });
    const client = await stand.dial("db.example.com", 5432);
    client.write("\0x");
    await readToEnd(client);
    expect(await stand.closed()).toMatchObject({ error: { code: "wire.silent" } });
  });

  test("does not outlive its permission", async () => {
    stand = await ConnectionStand.open({ decide: tunnelOpaque, tunnelTo: port() });
    const client = await stand.dial("db.example.com", 5432);
    client.write("\0x");
    await once(client, "data");
    stand.decide = () => deny("revoked");
    const startedMs = performance.now();
    await stand.live.reconsiderAll();
    await readToEnd(client);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(await stand.closed()).toMatchObject({ outcome: "denied", error: { code: "policy.denied", rule: "test.deny", reason: "revoked" } });
  });

  test("stays open when policy changes and still allows it", async () => {
    stand = await ConnectionStand.open({ decide: tunnelOpaque, tunnelTo: port() });
    const client = await stand.dial("db.example.com", 5432);
    client.write("\0x");
    await once(client, "data");
    await stand.live.reconsiderAll();
    client.end("y");
    await readToEnd(client);
    expect(await stand.closed()).toMatchObject({ outcome: "allowed" });
  });
});

test("unreadable bytes are reset where the rule only intercepts", async () => {
  stand = await ConnectionStand.open({ decide: () => allow("intercept"), tunnelTo: port() });
  const client = await stand.dial("db.example.com", 5432);
  client.write("\0\0\0\u0008");
  await readToEnd(client);
  expect(await stand.closed()).toMatchObject({ outcome: "denied", wire: "opaque", error: { code: "policy.denied", rule: "test.allow" } });
  expect(stand.trace).toEqual([]);
});
