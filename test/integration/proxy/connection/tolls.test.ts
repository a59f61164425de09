import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EgressError } from "../../../../proxy/errors.ts";
import type { PolicyInput } from "../../../../proxy/policy/policy-engine.ts";
import { allow, ConnectionStand, deny, readToEnd, type StandOptions } from "../../../support/connection-stand.ts";
import { FakeLedger } from "../../../support/fake-ledger.ts";

let stand: ConnectionStand;
let server: Server;

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => { socket.on("error", () => {}).on("data", (chunk: Buffer) => socket.write(chunk)).on("end", () => socket.end()); });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  await stand.close();
  server.close();
});

const tunnels = ({ connection }: PolicyInput) => (connection?.wire === "opaque" ? allow("tunnel") : deny());

async function openWith(budget: FakeLedger, over: StandOptions = {}): Promise<void> {
  stand = await ConnectionStand.open({ decide: tunnels, tunnelTo: (server.address() as AddressInfo).port, budget, ...over });
}

describe("a tunnel", () => {
  test("is charged as one request, one connection, its bytes and its time", async () => {
    const ledger = new FakeLedger({ connections: 5n });
    await openWith(ledger);
    const client = await stand.dial("db.example.com", 5432);
    client.end("\0hello");
    await readToEnd(client);
    await stand.closed();
    expect(ledger.open[0]!.used).toEqual({ requests: 1n, connections: 1n, seconds: 1n, bytes: 12n, "bytes-out": 6n, "bytes-in": 6n });
    expect(ledger.left("connections")).toBe(4n);
  });

  test("is refused when no connection is left, and nobody is dialled", async () => {
    await openWith(new FakeLedger({ connections: 0n }));
    const client = await stand.dial("db.example.com", 5432);
    client.end("\0hello");
    await readToEnd(client);
    expect([await stand.closed(), stand.trace]).toMatchObject([{ outcome: "denied", error: { code: "budget.exhausted", rule: "budget.team" } }, []]);
  });

  test("ends when its time is used up", async () => {
    const ledger = new FakeLedger({ seconds: 2n });
    await openWith(ledger);
    const client = await stand.dial("db.example.com", 5432);
    client.write("\0hello");
    await readToEnd(client);
    expect(await stand.closed()).toMatchObject({ outcome: "denied", error: { code: "budget.exhausted" } });
    expect(ledger.settled.seconds).toBe(2n);
  });

  test("reads no more of either side while the ledger is asked, and loses nothing", async () => {
    const ledger = new FakeLedger({ bytes: 1_000_000n });
    const asked = Promise.withResolvers<void>();
    ledger.refill = asked.promise;
    await openWith(ledger);
    const client = await stand.dial("db.example.com", 5432);
    client.end("\0hello");
    while (ledger.left("bytes") === 1_000_000n) await setImmediate();
    expect(client.read()).toBeNull();
    ledger.refill = null;
    asked.resolve();
    expect((await readToEnd(client)).toString()).toBe("\0hello");
  });
});

describe("a connection whose requests are read", () => {
  const intercepts: StandOptions = { decide: () => allow(), handlers: { serveHttp1: async ({ stream }) => { stream.end(); } } };

  test("is counted once it is let through, and nothing else of it", async () => {
    const ledger = new FakeLedger({ connections: 1n, requests: 0n });
    await openWith(ledger, intercepts);
    await readToEnd(await stand.dialTls("api.example.com"));
    await stand.closed();
    expect(ledger.open.map(({ used }) => used)).toEqual([{ connections: 1n }]);
    const second = await stand.dial("api.example.com", 80);
    second.end("GET / HTTP/1.1\r\nhost: api.example.com\r\n\r\n");
    expect((await readToEnd(second)).toString()).toMatch(/^HTTP\/1.1 402 .*"budget.exhausted"/s);
  });

  test("is let through where its rule names a budget that does not exist: each request is told so in words", async () => {
    const ledger = new FakeLedger({});
    ledger.metersFor = () => { throw new EgressError("budget.unavailable", "budget team is not configured"); };
    await openWith(ledger, intercepts);
    await readToEnd(await stand.dialTls("api.example.com"));
    expect([await stand.closed(), ledger.charges]).toMatchObject([{ outcome: "allowed" }, []]);
  });

  test("costs the ledger nothing where no budget counts connections", async () => {
    const ledger = new FakeLedger({ requests: 0n });
    await openWith(ledger, intercepts);
    await readToEnd(await stand.dialTls("api.example.com"));
    expect(ledger.charges).toEqual([]);
  });
});
