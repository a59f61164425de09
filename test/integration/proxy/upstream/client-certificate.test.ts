import { createHash } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import type { ClientCertificate } from "../../../../proxy/model/loan.ts";
import { mintAuthority, type TestAuthority } from "../../../support/tls-authority.ts";
import { exchange } from "../../../support/upstream-sink.ts";
import { HOST, UpstreamStage } from "../../../support/upstream-stage.ts";

let stage: UpstreamStage;
let clients: TestAuthority;
/** For each request: the connection's number, and whose certificate was shown on it. */
let seen: [connection: number, shown: string | null][];

beforeEach(async () => {
  stage = await UpstreamStage.open();
  clients = await mintAuthority("Clients");
  seen = [];
  const connections: TLSSocket[] = [];
  // Client leaves of the test authority are server leaves too; whether they are good is not this test's business.
  await stage.tls((socket) => {
    connections.push(socket);
    socket.on("data", () => {
      seen.push([connections.indexOf(socket), (socket.getPeerCertificate().subject?.CN as string | undefined) ?? null]);
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
  }, { requestCert: true, rejectUnauthorized: false, ca: clients.caPem });
});
afterEach(async () => { await stage[Symbol.asyncDispose](); });

async function certificate(name: string): Promise<ClientCertificate> {
  const { certPem, keyPem } = await clients.leaf([name]);
  return { fingerprint: createHash("sha256").update(certPem).digest("hex"), certificatePem: certPem, privateKeyPem: new Secret(keyPem) };
}

test("a lent certificate is shown, and its connection serves no request without it, and the other way round", async () => {
  const upstream = stage.upstream();
  const lent = await certificate("client-a");
  for (const clientCertificate of [null, lent, null, lent]) expect((await exchange(upstream, {}, { clientCertificate })).text).toBe("ok");
  expect(seen).toEqual([[0, null], [1, "client-a"], [0, null], [1, "client-a"]]);
});

test("one instance's connection is never another's, with the same certificate too", async () => {
  const upstream = stage.upstream();
  const clientCertificate = await certificate("client-a");
  for (const instance of ["one", "two", "one"]) await exchange(upstream, {}, { clientCertificate, instance });
  expect(seen).toEqual([[0, "client-a"], [1, "client-a"], [0, "client-a"]]);
});

test("a new certificate is shown on a new connection, and the old one's is ended", async () => {
  const upstream = stage.upstream({ maxPools: 1 });
  for (const name of ["client-a", "client-b"]) expect((await exchange(upstream, {}, { clientCertificate: await certificate(name) })).text).toBe("ok");
  expect(seen).toEqual([[0, "client-a"], [1, "client-b"]]);
});

test("is refused over plain http, and where key and certificate are no pair, without a word of the key", async () => {
  const upstream = stage.upstream();
  const [one, other] = [await certificate("client-a"), await certificate("client-b")];
  expect((await exchange(upstream, { scheme: "http", port: 80, host: HOST }, { clientCertificate: one })).failure?.code).toBe("credential.misdirected");
  const { failure } = await exchange(upstream, {}, { clientCertificate: { ...one, privateKeyPem: other.privateKeyPem } });
  expect(failure?.code).toBe("credential.unavailable");
  expect([failure?.message, String(failure?.cause)].join()).not.toMatch(/PRIVATE|key values/);
  expect(seen).toEqual([]);
});
