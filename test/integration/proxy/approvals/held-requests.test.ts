import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ExchangeRecord, LifecycleRecord } from "../../../../proxy/model/record.ts";
import { Operator } from "../../../support/approval-door.ts";
import { startStand, type Stand } from "../../../support/running-proxy.ts";
import { mintAuthority, type TestAuthority } from "../../../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../../../support/upstream-server.ts";
import { eventually, exchangesOf, LivePolicy } from "../../../support/whole-proxy.ts";

const HOST = "billing.held.test";
const DATA = {
  hosts: [
    { name: HOST, rule: "billing.charge", methods: ["POST"], effect: "ask", ask: { reason: "Charging a card needs a person.", timeout_seconds: 60 }, json: { "/amount": { type: "number" } } },
    { name: HOST, rule: "billing.upload", methods: ["PUT"], effect: "ask", ask: { reason: "Uploads need a person.", timeout_seconds: 60 } },
    { name: HOST, rule: "billing.soon", methods: ["DELETE"], effect: "ask", ask: { reason: "Deleting needs a person.", timeout_seconds: 1 } },
    { name: HOST, rule: "billing.stream", methods: ["GET"], paths: ["/sse"], effect: "ask", ask: { reason: "Streams need a person.", timeout_seconds: 60 } },
    { name: HOST, rule: "billing.read", methods: ["GET"], paths: ["/free"] },
  ],
};

let authority: TestAuthority;
let upstream: UpstreamServer;
let stand: Stand;
let operator: Operator;

beforeAll(async () => {
  authority = await mintAuthority();
  upstream = await startUpstream(await authority.leaf([HOST]));
});
afterAll(async () => upstream.close());

const start = async (directory?: string) => startStand({
  authority, policyData: DATA, routes: [{ name: HOST, port: 443, dialPort: upstream.port }], ...(directory === undefined ? {} : { directory }),
});
beforeEach(async () => {
  stand = await start();
  operator = new Operator(stand);
});
afterEach(async () => stand.stop());

const charge = async (amount: number) => stand.ask("POST", `https://${HOST}/charges?customer=7`, { headers: { "content-type": "application/json" }, body: JSON.stringify({ amount, token: "sk-verysecretvalue" }) });
const lifecycle = () => stand.records.filter((record): record is LifecycleRecord => record.kind === "lifecycle" && record.event.startsWith("approval."));
const closed = (): ExchangeRecord | undefined => exchangesOf(stand.records, "closed").at(-1);

describe("a request that a person has to allow", () => {
  test("is held until the yes, then sent whole, and all of it is on record", async () => {
    const before = upstream.requests.length;
    const answer = charge(12);
    const question = await operator.question();
    expect(question).toMatchObject({ method: "POST", host: HOST, path: "/charges", rule: "billing.charge", reason: "Charging a card needs a person.", scopes: ["once", "thread"], isWaiting: true });
    expect(question.details).toEqual(["NOT SHOWN: a query of 10 characters", '  "amount" = 12', '  "token" = "[hidden: 18 characters]"']);
    expect(upstream.requests).toHaveLength(before);
    expect(await operator.decide(question.id, { decision: "allow", reason: "agreed" })).toMatchObject({ result: "done", outcome: "allowed", delivery: "went-on" });
    expect(await answer).toMatchObject({ status: 200 });
    expect(upstream.requests.at(-1)).toMatchObject({ path: "/charges?customer=7", bodyBytes: JSON.stringify({ amount: 12, token: "sk-verysecretvalue" }).length });
    await eventually("the record", () => closed() !== undefined);
    expect(closed()?.decision).toMatchObject({ allowed: true, rule: "billing.charge", approval: { id: question.id, outcome: "allowed", reason: "agreed", scope: "once", by: expect.stringMatching(/^user:|^uid:/) as string } });
    expect(lifecycle().map(({ event, fields }) => [event, fields["approval"], fields["request"]])).toEqual([["approval.asked", question.id, question.requestId], ["approval.allowed", question.id, question.requestId]]);
  });

  test("is refused with the no, which says why and not who", async () => {
    const before = upstream.requests.length;
    const answer = charge(12);
    expect(await operator.decide((await operator.question()).id, { decision: "deny", reason: "not in production" })).toMatchObject({ outcome: "denied", delivery: "refused" });
    const { status, body } = await answer;
    expect(status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ error: "approval.denied", rule: "billing.charge", reason: "Charging a card needs a person. A person refused it: not in production" });
    expect(body).not.toMatch(/user:|uid:/);
    expect(upstream.requests).toHaveLength(before);
    await eventually("the record", () => closed() !== undefined);
    expect(closed()).toMatchObject({ outcome: "denied", error: { code: "approval.denied" }, decision: { allowed: false, approval: { outcome: "denied", reason: "not in production" } } });
  });

  test("is refused when nobody answers in time", async () => {
    const { status, body } = await stand.ask("DELETE", `https://${HOST}/x`);
    expect([status, (JSON.parse(body) as { error: string }).error]).toEqual([403, "approval.expired"]);
    await eventually("the record", () => closed() !== undefined);
    expect(closed()?.decision?.approval).toMatchObject({ outcome: "expired", by: null });
    expect((await operator.list()).questions).toEqual([]);
  });

  test("is refused for good where it is more than a person can be shown, with what to do about it", async () => {
    const before = upstream.requests.length;
    const lines = JSON.stringify({ amount: 12, items: Array.from({ length: 2_000 }, (_, at) => `item ${at}`) });
    const { status, headers, body } = await stand.ask("POST", `https://${HOST}/charges`, { headers: { "content-type": "application/json" }, body: lines });
    expect([status, headers["x-should-retry"], headers["x-weir-decision"], headers["retry-after"]]).toEqual([413, "false", "denied", undefined]);
    expect(JSON.parse(body)).toMatchObject({ error: "approval.too-large", rule: "billing.charge", hint: expect.stringContaining("Send less in one request") as string });
    expect([(await operator.list()).questions, upstream.requests.length]).toEqual([[], before]);
    await eventually("the record", () => closed() !== undefined);
    expect(closed()).toMatchObject({ outcome: "denied", error: { code: "approval.too-large" } });
  });

  test("waits before a byte of its body is read, if policy reads none of it", async () => {
    const socket = await stand.open(HOST);
    const sent = request({ createConnection: () => socket, method: "PUT", path: "/upload", headers: { host: HOST, expect: "100-continue", "content-length": "5" } });
    sent.flushHeaders();
    let mayGoOn = false;
    sent.on("continue", () => {
      mayGoOn = true;
      sent.end("hello");
    });
    const question = await operator.question();
    expect(question.details).toEqual(["NOT SHOWN: a body of 5 bytes that was not read"]);
    expect(mayGoOn).toBe(false);
    await operator.decide(question.id, { decision: "allow" });
    const [answer] = await once(sent, "response") as [import("node:http").IncomingMessage];
    expect([answer.statusCode, mayGoOn, upstream.requests.at(-1)?.bodyBytes]).toEqual([200, true, 5]);
    socket.destroy();
  });
});

describe("a yes for the thread", () => {
  test("lets what follows through without asking, outlives a restart, and is taken back", async () => {
    const answer = charge(1);
    await operator.decide((await operator.question()).id, { decision: "allow", scope: "thread" });
    expect((await answer).status).toBe(200);
    expect((await charge(2)).status).toBe(200);
    await eventually("the record", () => exchangesOf(stand.records, "closed").length === 2);
    expect(closed()?.decision?.approval).toMatchObject({ scope: "thread", waitedMs: 0 });

    const { directory } = stand;
    await stand.stop(true);
    stand = await start(directory);
    operator = new Operator(stand);
    expect((await charge(3)).status).toBe(200);

    const [approval] = (await operator.list()).threads;
    expect(await operator.revoke(approval?.id ?? "")).toEqual({ revoked: true });
    const asked = charge(4);
    await operator.decide((await operator.question()).id, { decision: "deny" });
    expect((await asked).status).toBe(403);
    expect(lifecycle().map(({ event }) => event)).toContain("approval.revoked");
  });

  test("that is taken back ends what runs on it within a second", async () => {
    const socket = await stand.open(HOST);
    const sent = request({ createConnection: () => socket, path: "/sse?events=1000&everyMs=20", headers: { host: HOST } });
    sent.end();
    await operator.decide((await operator.question()).id, { decision: "allow", scope: "thread" });
    const [answer] = await once(sent, "response") as [import("node:http").IncomingMessage];
    const ended = new Promise<void>((resolve) => { answer.on("error", () => {}).once("close", resolve).resume(); });
    const startedMs = performance.now();
    await operator.revoke((await operator.list()).threads[0]?.id ?? "");
    await ended;
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    await eventually("the record", () => closed() !== undefined);
    expect(closed()).toMatchObject({ outcome: "denied", error: { code: "policy.denied" } });
  });

  test("that is not taken back goes on through a change that asks everything again", async () => {
    const socket = await stand.open(HOST);
    const sent = request({ createConnection: () => socket, path: "/sse?events=30&everyMs=20", headers: { host: HOST } });
    sent.end();
    await operator.decide((await operator.question()).id, { decision: "allow" });
    const [answer] = await once(sent, "response") as [import("node:http").IncomingMessage];
    // Another approval that is taken back has everything open asked again; a yes for once is for this one.
    const other = stand.ask("PUT", `https://${HOST}/x`);
    await operator.decide((await operator.question()).id, { decision: "allow", scope: "thread" });
    await other;
    await operator.revoke((await operator.list()).threads[0]?.id ?? "");
    expect(await text(answer)).toContain('{"event":30}');
  });
});

describe("a client that gives up", () => {
  /** Sends a charge and leaves as soon as it is asked about. */
  const giveUp = async () => {
    const socket = await stand.open(HOST);
    const body = JSON.stringify({ amount: 9 });
    const sent = request({ createConnection: () => socket, method: "POST", path: "/charges", headers: { host: HOST, "content-type": "application/json", "content-length": body.length } });
    sent.on("error", () => {}).end(body);
    const { id } = await operator.question();
    sent.destroy();
    await eventually("that nobody waits", async () => (await operator.list()).questions[0]?.isWaiting === false);
    return id;
  };
  const again = async (amount = 9) => stand.ask("POST", `https://${HOST}/charges`, { headers: { "content-type": "application/json" }, body: JSON.stringify({ amount }) });

  test("finds the yes with its next try, once, and another body does not", async () => {
    expect(await operator.decide(await giveUp(), { decision: "allow" })).toMatchObject({ outcome: "allowed", delivery: "client-left" });
    const other = again(10);
    await operator.decide((await operator.question()).id, { decision: "deny" });
    expect((await other).status).toBe(403);
    expect((await again()).status).toBe(200);
    const third = again();
    await operator.decide((await operator.question()).id, { decision: "deny" });
    expect((await third).status).toBe(403);
  });

  test("waits on at the same question with its next try", async () => {
    const id = await giveUp();
    const answer = again();
    await eventually("that somebody waits again", async () => (await operator.list()).questions[0]?.isWaiting === true);
    expect((await operator.question()).id).toBe(id);
    await operator.decide(id, { decision: "allow" });
    expect((await answer).status).toBe(200);
  });
});

describe("a policy that changes while a request waits", () => {
  let policy: LivePolicy;
  beforeEach(async () => {
    await stand.stop();
    policy = new LivePolicy(DATA);
    stand = await startStand({ authority, policyData: {}, config: { policy: policy.config }, routes: [{ name: HOST, port: 443, dialPort: upstream.port }] });
    operator = new Operator(stand);
  });
  afterEach(() => { policy[Symbol.dispose](); });
  const upload = async () => stand.ask("PUT", `https://${HOST}/x`);
  const changeTo = async (hosts: readonly object[]) => {
    const loaded = () => stand.records.filter((record) => record.kind === "lifecycle" && record.event === "policy.loaded").length;
    const before = loaded();
    policy.write({ hosts });
    await eventually("the new policy", () => loaded() > before);
  };

  test("refuses it in spite of the yes, and whoever said yes is told so", async () => {
    const before = upstream.requests.length;
    const answer = upload();
    const { id } = await operator.question();
    await changeTo([{ name: HOST, rule: "billing.read", methods: ["GET"] }]);
    expect(await operator.decide(id, { decision: "allow" })).toMatchObject({ result: "done", outcome: "allowed", delivery: "refused" });
    expect([(await answer).status, upstream.requests.length]).toEqual([403, before]);
  });

  test("ends what was allowed for the thread where it is no longer asked about by the same rule", async () => {
    const answer = upload();
    expect(await operator.decide((await operator.question()).id, { decision: "allow", scope: "thread" })).toMatchObject({ delivery: "went-on" });
    expect((await answer).status).toBe(200);
    await changeTo([{ name: HOST, rule: "billing.upload.two", methods: ["PUT"], effect: "ask", ask: { reason: "Uploads need two people.", timeout_seconds: 60 } }]);
    const asked = upload();
    const question = await operator.question();
    expect(question.rule).toBe("billing.upload.two");
    await operator.decide(question.id, { decision: "deny" });
    expect((await asked).status).toBe(403);
    await changeTo([{ name: HOST, rule: "billing.upload", methods: ["PUT"], effect: "ask", ask: { reason: "Each upload needs a person.", scopes: ["once"], timeout_seconds: 60 } }]);
    const again = upload();
    await operator.decide((await operator.question()).id, { decision: "deny" });
    expect((await again).status).toBe(403);
  });
});

test("two same requests are two questions, and once lets one through", async () => {
  const [first, second] = [charge(5), charge(5)];
  const questions = await operator.questions(2);
  await operator.decide(questions[0]?.id ?? "", { decision: "allow" });
  await operator.decide(questions[1]?.id ?? "", { decision: "deny" });
  expect([(await first).status, (await second).status].toSorted((a, b) => a - b)).toEqual([200, 403]);
});

test("a proxy that stops tells whoever waits at once", async () => {
  const answer = charge(1);
  await operator.question();
  const startedMs = performance.now();
  await stand.proxy.stop();
  const { status, body } = await answer;
  expect([status, (JSON.parse(body) as { error: string }).error]).toEqual([503, "draining"]);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

test("what policy decides by itself waits for nobody", async () => {
  expect((await stand.ask("GET", `https://${HOST}/free`)).status).toBe(200);
});
