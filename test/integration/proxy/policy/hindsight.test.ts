import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExchangeRecord } from "../../../../proxy/model/record.ts";
import { startStand, type Stand } from "../../../support/running-proxy.ts";
import { mintAuthority } from "../../../support/tls-authority.ts";
import { auditText, connectionsOf, eventually, exchangesOf, LivePolicy } from "../../../support/whole-proxy.ts";

const HOST = "mcp.hindsight.test";
const TOOLS = { name: HOST, rule: "live", methods: ["POST"], mcp: { tools: ["read"] } };

let server: Server;
let stand: Stand;
let shadow: LivePolicy;

beforeAll(async () => {
  const authority = await mintAuthority();
  const leaf = await authority.leaf([HOST]);
  server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => { request.resume(); response.setHeader("content-type", "application/json"); response.end("{}"); });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  shadow = new LivePolicy({ hosts: [{ ...TOOLS, rule: "shadow", mcp: { tools: ["write"] } }] });
  stand = await startStand({
    authority, policyData: {}, routes: [{ name: HOST, port: 443, dialPort: (server.address() as AddressInfo).port }],
    config: { policy: { data: { hosts: [TOOLS] }, shadow: shadow.config } },
  });
});
afterAll(async () => {
  await stand.stop();
  shadow[Symbol.dispose]();
  server.close();
  server.closeAllConnections();
});

/** Calls a tool and waits for the record of that. */
async function call(tool: string): Promise<ExchangeRecord> {
  const before = exchangesOf(stand.records, "closed").length;
  await stand.ask("POST", `https://${HOST}/mcp?session=canary-query`, {
    headers: { "content-type": "application/json", "accept": "application/json, text/event-stream", "authorization": "Bearer canary-header" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: { path: "/home/canary-argument" } } }),
  });
  await eventually("it is recorded", () => exchangesOf(stand.records, "closed").length > before);
  return exchangesOf(stand.records, "closed").at(-1)!;
}

describe("a decision in the audit", () => {
  test("says what policy was asked, readings included, and names what it leaves out", async () => {
    const { decision } = await call("read");
    expect(decision?.input?.input).toMatchObject({
      agent: { name: "agent", labels: {} }, connection: { sni: HOST }, request: { path: ["mcp"], headers: { "content-type": "application/json" }, query: {} },
      read: { mcp: null }, mcp: { method: "tools/call", tool: "read", arguments: {} },
    });
    expect(decision?.input?.redacted).toEqual(expect.arrayContaining(["input.request.query.session", "input.request.headers.authorization", "input.mcp.arguments.path"]));
  });

  test("shows no value of a header, a query or an argument", async () => {
    await eventually("it is on disk", () => auditText(stand).includes("input.mcp.arguments.path"));
    expect(auditText(stand)).not.toContain("canary");
  });

  test("says what the shadow would have decided, of what is allowed and of what is refused", async () => {
    expect((await call("read")).decision).toMatchObject({ allowed: true, shadow: { outcome: "deny", rule: "shadow" } });
    expect((await call("write")).decision).toMatchObject({ allowed: false, shadow: { outcome: "allow", rule: "shadow" } });
  });

  test("is kept of connections and names too", async () => {
    await eventually("a connection has ended", () => connectionsOf(stand.records).length > 0);
    expect(connectionsOf(stand.records).find(({ decision }) => decision !== null)?.decision).toMatchObject({ shadow: { outcome: "allow" }, input: { input: { connection: { name: HOST, sni: HOST } } } });
    expect(stand.records.find((record) => record.kind === "name")).toMatchObject({ decision: { allowed: true, input: { input: { dns: { name: HOST } } } } });
  });

  test("follows a new shadow without a restart, and names its revision", async () => {
    const before = (await call("read")).decision?.shadow?.revision;
    shadow.write({ hosts: [{ ...TOOLS, rule: "shadow.next" }] });
    await eventually("the new one is asked", async () => (await call("read")).decision?.shadow?.rule === "shadow.next", 10_000);
    const { decision } = await call("read");
    expect(decision?.shadow).toMatchObject({ outcome: "allow" });
    expect(decision?.shadow?.revision).not.toBe(before);
    expect(stand.records.filter((record) => record.kind === "lifecycle").map(({ event }) => event)).toContain("shadow.loaded");
  });
});
