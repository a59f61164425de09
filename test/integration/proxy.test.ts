import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mintAuthority } from "../support/tls-authority.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { startUpstream, type UpstreamServer } from "../support/upstream-server.ts";

const SECRET = "canary-5d1e8a7c9b3f4e60";
const HOST = "api.whole.test";

const secrets = mkdtempSync(join(tmpdir(), "weir-secrets-"));
let upstream: UpstreamServer;
let stand: Stand;

beforeAll(async () => {
  const authority = await mintAuthority();
  upstream = await startUpstream(await authority.leaf([HOST]));
  const secretFile = join(secrets, "api");
  writeFileSync(secretFile, SECRET, { mode: 0o600 });
  stand = await startStand({
    authority, routes: [{ name: HOST, port: 443, dialPort: upstream.port }],
    config: { grants: { api: { credential: { type: "file", path: secretFile }, bind: { hosts: [HOST], methods: ["GET", "POST"] } } } },
    policyData: { hosts: [{ name: HOST, rule: "api.all", methods: ["GET", "POST", "PUT"], grants: ["api"] }] },
  });
});

afterAll(async () => {
  await stand.stop();
  await upstream.close();
  rmSync(secrets, { recursive: true });
});

test("an allowed request arrives with its credential, after its decision was recorded", async () => {
  const answer = await stand.ask("GET", `https://${HOST}/v1/items?x=1`, { headers: { authorization: "Bearer dummy" } });
  expect(answer).toMatchObject({ status: 200, body: "ok\n" });
  expect(upstream.requests.at(-1)).toMatchObject({ path: "/v1/items?x=1", headers: { authorization: `Bearer ${SECRET}` } });
  expect(stand.records.filter((record) => record.kind === "exchange").map(({ phase, outcome }) => ({ phase, outcome })))
    .toEqual([{ phase: "decided", outcome: "allowed" }, { phase: "closed", outcome: "allowed" }]);
});

test("what the destination sends back of the credential does not reach the agent", async () => {
  const answer = await stand.ask("GET", `https://${HOST}/echo`);
  expect(answer.status).toBe(200);
  expect(JSON.stringify(answer)).not.toContain(SECRET);
});

test("a method that no rule allows is refused with its rule, and the destination hears nothing", async () => {
  const before = upstream.requests.length;
  const answer = await stand.ask("DELETE", `https://${HOST}/v1/items`);
  expect(answer.status).toBe(403);
  expect(JSON.parse(answer.body)).toMatchObject({ error: "policy.denied", rule: "api.all", reason: expect.stringContaining("DELETE") as string });
  expect(upstream.requests).toHaveLength(before);
});

test("a grant is not lent outside its binding, even where policy names it", async () => {
  const answer = await stand.ask("PUT", `https://${HOST}/v1/items`, { body: "x" });
  expect(answer.status).toBe(403);
  expect(JSON.parse(answer.body)).toMatchObject({ error: "credential.misdirected" });
});

test("a host that no rule names costs no certificate: the handshake ends with access_denied", async () => {
  await expect(stand.open("elsewhere.whole.test")).rejects.toMatchObject({ code: "ERR_SSL_TLSV1_ALERT_ACCESS_DENIED" });
});

test("an address that was given to another name is not reached under this one", async () => {
  const address = await stand.resolve("elsewhere.whole.test");
  const socket = await stand.dial({ address, port: 443 });
  const tls = connect({ socket, servername: HOST, ca: stand.proxy.caPem });
  await expect(once(tls, "secureConnect")).rejects.toMatchObject({ code: "ERR_SSL_TLSV1_UNRECOGNIZED_NAME" });
});
