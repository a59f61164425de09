import { once } from "node:events";
import { connect } from "node:http2";
import { duplexPair } from "node:stream";
import { expect, test } from "vitest";
import type { Opened } from "../../../../proxy/model/connection.ts";
import type { ServeExchange } from "../../../../proxy/model/incoming.ts";
import { protocolsConfig } from "../../../../proxy/protocols/config.ts";
import { Http2Connection } from "../../../../proxy/protocols/http2-connection.ts";

/** One connection between a client of Node's and ours, whose requests are never answered. */
function waitingConnection() {
  const [stream, far] = duplexPair();
  const { promise: served, resolve } = Promise.withResolvers<void>();
  const serve: ServeExchange = async () => {
    resolve();
    return new Promise(() => {});
  };
  const opened = { id: "c1", stream, signal: new AbortController().signal } as unknown as Opened;
  const connection = new Http2Connection(opened, { drain: new AbortController().signal, exchangeEnded: () => {} }, serve, protocolsConfig.parse({}).http2);
  const client = connect("http://waiting.test", { createConnection: () => far });
  client.on("error", () => {});
  return { connection, client, served, end: () => { client.destroy(); } };
}

test("a client whose request waits hears a PING, and one without a request does not", async () => {
  const { connection, client, served, end } = waitingConnection();
  let pings = 0;
  client.on("ping", () => { pings += 1; });
  await once(client, "remoteSettings");
  connection.check(performance.now() + 16_000);
  await new Promise((resolve) => { client.ping(resolve); });
  expect(pings).toBe(0);
  client.request({ ":path": "/" }).on("error", () => {}).end();
  await served;
  connection.check(performance.now() + 17_000);
  await once(client, "ping");
  connection.check(performance.now() + 18_000);
  await new Promise((resolve) => { client.ping(resolve); });
  expect(pings).toBe(1);
  end();
});
