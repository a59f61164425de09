import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { encodePreamble } from "../../common/preamble.ts";
import type { AgentIdentity } from "../../proxy/model/agent.ts";
import { Operator } from "../support/approval-door.ts";
import { aDnsQuery, readAddress } from "../support/plain-dns.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { mintAuthority, type TestAuthority } from "../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../support/upstream-server.ts";
import { auditText, eventually } from "../support/whole-proxy.ts";

const HOST = "billing.hostile.test";
const KEY = Buffer.alloc(32, 9);
const ASK = { effect: "ask", ask: { reason: "Charging a card needs a person.", timeout_seconds: 60 } };

/** Another service that is told, and would like to answer. */
interface Receiver {
  readonly server: Server;
  readonly heard: { readonly headers: IncomingHttpHeaders; readonly body: string }[];
  refusals: number;
}

let authority: TestAuthority;
let upstream: UpstreamServer;
let receiver: Receiver;
let stand: Stand;
let operator: Operator;
const folder = mkdtempSync(join(tmpdir(), "weir-approvals-hostile-"));

beforeAll(async () => {
  authority = await mintAuthority();
  upstream = await startUpstream(await authority.leaf([HOST]));
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      receiver.heard.push({ headers: request.headers, body });
      receiver.refusals -= 1;
      response.writeHead(receiver.refusals >= 0 ? 500 : 200, { "content-type": "application/json" }).end('{"decision":"allow","scope":"thread"}');
    });
  });
  receiver = { server, heard: [], refusals: 0 };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  writeFileSync(join(folder, "key"), `whsec_${KEY.toString("base64")}\n`, { mode: 0o600 });
});
afterAll(async () => {
  await upstream.close();
  receiver.server.close();
  receiver.server.closeAllConnections();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  receiver.heard.length = 0;
  receiver.refusals = 0;
  const url = `http://127.0.0.1:${(receiver.server.address() as AddressInfo).port}/hook`;
  stand = await startStand({
    authority, routes: [{ name: HOST, port: 443, dialPort: upstream.port }],
    config: { exchange: { heldBytes: 400_000 }, approvals: { maxOpenPerAgent: 3, webhook: { url, secretFile: join(folder, "key"), link: "https://weir.test/approvals" } }, admin: { address: "127.0.0.1:0" } },
    policyData: { hosts: [{ name: HOST, rule: "billing.charge", methods: ["POST"], ...ASK, json: { "/amount": { type: "number" } } }] },
  });
  operator = new Operator(stand);
});
afterEach(async () => stand.stop());

const charge = async (path = "/charges", body: object = { amount: 5 }) => stand.ask("POST", `https://${HOST}${path}`, { headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
const errorOf = (body: string) => (JSON.parse(body) as { error: string }).error;

/** The same request by another thread, of the same agent if no other is named. */
async function chargeAs(thread: string, who: Partial<AgentIdentity> = {}, body = JSON.stringify({ amount: 5 })): Promise<string> {
  const token = await stand.proxy.issuer.mint({ namespace: "test", name: "agent", thread, instance: "i9", user: "tester", labels: {}, chain: [], ...who }, 600_000);
  const dial = async (address: string, port: number, transport: "tcp" | "dns") => {
    const socket = connect({ path: join(stand.directory, "proxy", "proxy.sock"), allowHalfOpen: true });
    await once(socket, "connect");
    socket.write(encodePreamble({ transport, source: { address: "10.255.0.2", port: 40_000 }, destination: { address, port }, token, connectionId: "c1" }));
    return socket;
  };
  const resolver = await dial("10.255.0.1", 53, "dns");
  resolver.write(aDnsQuery(HOST));
  const [answer] = await once(resolver, "data") as [Buffer];
  resolver.destroy();
  const socket = connectTls({ socket: await dial(readAddress(answer), 443, "tcp"), servername: HOST, ca: stand.proxy.caPem, ALPNProtocols: ["http/1.1"] });
  await once(socket, "secureConnect");
  socket.write(`POST /charges HTTP/1.1\r\nhost: ${HOST}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
  return text(socket);
}

describe("an agent cannot", () => {
  test("use a yes for another path, another body or another thread", async () => {
    const first = charge();
    await operator.decide((await operator.question()).id, { decision: "allow" });
    expect((await first).status).toBe(200);
    const sent = upstream.requests.length;
    const others = [charge("/charges/all"), charge("/charges", { amount: 500 }), chargeAs("t2")];
    const questions = await operator.questions(3);
    for (const { id } of questions) await operator.decide(id, { decision: "deny" });
    expect((await Promise.all(others)).map((answer) => (typeof answer === "string" ? Number(answer.slice(9, 12)) : answer.status))).toEqual([403, 403, 403]);
    expect(upstream.requests).toHaveLength(sent);
  });

  test("use a yes for the thread in another thread", async () => {
    const first = charge();
    await operator.decide((await operator.question()).id, { decision: "allow", scope: "thread" });
    await first;
    const other = chargeAs("t2");
    await operator.decide((await operator.question()).id, { decision: "deny" });
    expect(await other).toMatch(/^HTTP\/1.1 403/);
  });

  test("use a yes for the thread of an agent of another name or namespace, whatever its thread is called", async () => {
    const first = charge();
    await operator.decide((await operator.question()).id, { decision: "allow", scope: "thread" });
    expect((await first).status).toBe(200);
    const others = [chargeAs("t1", { name: "other" }), chargeAs("t1", { namespace: "elsewhere" }), chargeAs("t1", { namespace: "test/agent", name: "t1" })];
    for (const { id, agent } of await operator.questions(3)) {
      expect([agent.namespace, agent.name]).not.toEqual(["test", "agent"]);
      await operator.decide(id, { decision: "deny" });
    }
    for (const answer of await Promise.all(others)) expect(answer).toMatch(/^HTTP\/1.1 403/);
    // It holds where it was given, as before.
    expect(await chargeAs("t1")).toMatch(/^HTTP\/1.1 200/);
  });

  test("be let through by an answer that is given again: it was for a question that is over", async () => {
    const first = charge();
    const { id } = await operator.question();
    expect(await operator.decide(id, { decision: "allow" })).toMatchObject({ result: "done", delivery: "went-on" });
    expect((await first).status).toBe(200);
    const again = charge();
    const next = await operator.question();
    expect(next.id).not.toBe(id);
    expect(await operator.decide(id, { decision: "allow" })).toMatchObject({ result: "late", outcome: "allowed", delivery: null });
    expect(await operator.decide(id, { decision: "allow", scope: "thread" })).toMatchObject({ result: "late" });
    expect((await operator.list())).toMatchObject({ questions: [{ id: next.id }], threads: [] });
    await operator.decide(next.id, { decision: "deny" });
    expect((await again).status).toBe(403);
  });

  test("fill what may be held back with requests that wait: another agent is asked about all the same", async () => {
    const large = `{"amount":5${" ".repeat(45_000)}}`;
    const greedily = async (instance: string) => chargeAs(`t-${instance}`, { name: "greedy", instance }, large);
    const greedy = [greedily("a"), greedily("b")];
    await operator.questions(2);
    const refused = await greedily("c");
    expect([refused.slice(0, 12), errorOf(refused.slice(refused.indexOf("{")))]).toEqual(["HTTP/1.1 413", "request.body-limit"]);
    const other = chargeAs("t1", { name: "other", instance: "o1" }, large);
    const questions = await operator.questions(3);
    expect(questions.map(({ agent }) => agent.name).toSorted()).toEqual(["greedy", "greedy", "other"]);
    for (const { id } of questions) await operator.decide(id, { decision: "allow" });
    expect(await other).toMatch(/^HTTP\/1.1 200/);
    await Promise.all(greedy);
  });

  test("answer for itself: no port takes answers, and the door is not in its world", async () => {
    const waiting = charge();
    const { id } = await operator.question();
    const { adminUrl } = stand.proxy;
    for (const path of ["/approvals", `/approvals/${id}`]) {
      const said = await fetch(new URL(path, adminUrl ?? ""), { method: path === "/approvals" ? "GET" : "POST", ...(path === "/approvals" ? {} : { body: '{"decision":"allow"}' }) });
      expect([404, 405]).toContain(said.status);
    }
    // A name that is the operator's, by way of the boundary, is a destination like any other.
    expect((await stand.ask("GET", "https://operator/approvals").catch(() => ({ status: 0 }))).status).not.toBe(200);
    expect((await operator.list()).questions).toHaveLength(1);
    await operator.decide(id, { decision: "deny" });
    expect((await waiting).status).toBe(403);
  });

  test("drown what waits in a flood of questions: the flood is refused, and the first keep their place", async () => {
    const waiting = [charge("/1"), charge("/2"), charge("/3")];
    const questions = await operator.questions(3);
    const flood = await Promise.all(Array.from({ length: 20 }, async (_, at) => charge(`/flood/${at}`)));
    expect(new Set(flood.map(({ status, body }) => `${status} ${errorOf(body)}`))).toEqual(new Set(["503 approval.unavailable"]));
    expect((await operator.list()).questions.map(({ id }) => id)).toEqual(questions.map(({ id }) => id));
    for (const { id } of questions) await operator.decide(id, { decision: "deny" });
    await Promise.all(waiting);
  });

  test("write on the operator's terminal, or hide what it asks by the direction of its text", async () => {
    const waiting = charge("/charges", { amount: 5, note: "\u001b]0;owned\u0007\u001b[2J\u202Erettel\u2066\nApproved by root", password: "canary-in-a-body" });
    const question = await operator.question();
    // What JSON would escape stands there as its escape, in plain letters.
    expect(question.details.join("")).not.toMatch(/[\p{Cc}\p{Cf}]|canary-in-a-body/u);
    expect(question.details).toHaveLength(3);
    await operator.decide(question.id, { decision: "deny" });
    await waiting;
    expect(auditText(stand)).not.toContain("canary-in-a-body");
  });
});

describe("people and other services", () => {
  test("of fifty answers at once one decides, whatever the others say", async () => {
    const waiting = charge();
    const { id } = await operator.question();
    const answers = await Promise.all(Array.from({ length: 50 }, async (_, at) => operator.decide(id, { decision: at % 2 === 0 ? "allow" : "deny" })));
    const [first, ...others] = answers.filter(({ result }) => result === "done");
    expect(others).toEqual([]);
    expect((await waiting).status).toBe(first?.outcome === "allowed" ? 200 : 403);
    expect(answers.filter(({ result }) => result === "late").every(({ outcome }) => outcome === first?.outcome)).toBe(true);
  });

  test("the receiver of a webhook is told by a signed message, and what it answers decides nothing", async () => {
    const waiting = charge();
    const { id } = await operator.question();
    await eventually("a message", () => receiver.heard.length === 1);
    const [{ headers, body } = { headers: {}, body: "" }] = receiver.heard;
    expect(JSON.parse(body)).toMatchObject({ type: "approval.asked", data: { id, agent: "agent", thread: "t1", rule: "billing.charge", link: "https://weir.test/approvals" } });
    const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
    expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", KEY).update(signed).digest("base64")}`);
    expect(body).not.toMatch(/amount|charges/);
    expect((await operator.list()).questions).toHaveLength(1);
    await operator.decide(id, { decision: "deny" });
    expect((await waiting).status).toBe(403);
    await eventually("what became of it", () => receiver.heard.some((one) => one.body.includes("approval.denied")));
  });

  test("a message that the receiver did not take comes again, with the same id and another signature", async () => {
    receiver.refusals = 1;
    const waiting = charge();
    const { id } = await operator.question();
    await eventually("the message twice", () => receiver.heard.length === 2);
    const [one, two] = receiver.heard;
    expect(two?.headers["webhook-id"]).toBe(one?.headers["webhook-id"]);
    expect(two?.body).toBe(one?.body);
    await operator.decide(id, { decision: "deny" });
    await waiting;
  });

  test("the door takes no order that it does not know", async () => {
    const waiting = charge();
    const { id } = await operator.question();
    for (const body of [{}, { decision: "allow", scope: "forever" }, { decision: "allow", by: "root" }, { decision: true }]) expect(await operator.call("POST", `/approvals/${id}`, body)).toEqual({ error: "not a decision" });
    expect(await operator.call("POST", "/approvals/../usage", { decision: "allow" })).toEqual({ error: "not found" });
    expect(await operator.call("PUT", `/approvals/${id}`, { decision: "allow" })).toEqual({ error: "method not allowed" });
    await operator.decide(id, { decision: "deny" });
    expect((await waiting).status).toBe(403);
  });
});
