import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { QuestionView } from "../../../common/approvals/views.ts";
import { APPROVALS_PATHS, type PollReply } from "../../../common/approvals/wire.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { startApi, tokenFor, type Answer, type ApiStand } from "../../support/api/api-stand.ts";
import { aQuestionView } from "../../support/asked-question.ts";

let stand: ApiStand;
let pod: Awaited<ReturnType<ApiStand["addPod"]>>;
let threadUid: string;
beforeAll(async () => {
  stand = await startApi();
  for (const name of ["olga", "pete", "ann", "eve", "root"]) stand.addUser(name, name === "root" ? ["system:masters"] : []);
  await stand.addAgent("shop");
  const thread = await stand.cluster.create(TYPES.threads, { metadata: { namespace: "default", name: "shop-1" }, spec: { agent: "shop", user: "olga", chain: [] } });
  threadUid = thread.metadata.uid ?? "";
  await stand.store.ensureThread({ uid: threadUid, namespace: "default", name: "shop-1", agent: "shop", owner: "olga", parentUid: null }, Date.now());
  const relate = async (objectKind: "agent" | "thread", object: string, relation: "owner" | "maintainer" | "participant", name: string) =>
    stand.store.relate({ objectKind, object, relation, subject: `user:${name}` });
  await relate("thread", threadUid, "owner", "olga");
  await relate("thread", threadUid, "participant", "pete");
  await relate("agent", "default/shop", "maintainer", "ann");
  pod = await stand.addPod("shop-1");
});
afterAll(async () => stand.close());

/** The process that asks. */
const P1 = { proxy: "p1", startedAtMs: 1_000 };
const as = (name: string) => ({ token: tokenFor(name) });
const asNode = async (node: string, path: string, body: unknown): Promise<Answer> => stand.call("POST", path, { token: tokenFor(`proxy-on-${node}`), body });
const view = (changes: Partial<QuestionView> = {}): QuestionView => {
  const agent = { ...aQuestionView().agent, namespace: pod.namespace, pod: pod.pod, instance: `${pod.uid}/0` };
  return aQuestionView({ askedAtMs: Date.now(), expiresAtMs: Date.now() + 60_000, agent, ...changes });
};
const report = async (question: QuestionView, node = "node-1") => asNode(node, APPROVALS_PATHS.report, { ...P1, sentAtMs: Date.now(), asked: [question], over: [] });
const poll = async (version = "", waitMs = 0) => (await asNode("node-1", APPROVALS_PATHS.poll, { ...P1, version, waitMs })).body as unknown as PollReply;
const decide = async (name: string, id: string, body: object) => stand.call("POST", `/v1/approvals/${id}/decision`, { ...as(name), body });

describe("questions of a cluster", () => {
  test("are seen by whoever owns or maintains the thread or its agent, and by administrators", async () => {
    const question = view();
    expect(await report(question)).toMatchObject({ status: 200, body: { kept: [question.id] } });
    for (const name of ["olga", "ann", "root"]) {
      expect((await stand.call("GET", "/v1/approvals", as(name))).body).toMatchObject({ questions: [{ id: question.id, state: "open", host: "billing.test" }] });
      expect((await stand.call("GET", `/v1/approvals/${question.id}`, as(name))).status).toBe(200);
    }
    for (const name of ["pete", "eve"]) {
      expect((await stand.call("GET", "/v1/approvals", as(name))).body).toMatchObject({ questions: [] });
      expect(await decide(name, question.id, { decision: "allow" })).toMatchObject({ status: 403, body: { rule: "approval.decide" } });
    }
    const missing = await decide("eve", aQuestionView().id, { decision: "allow" });
    expect([missing.status, missing.body["rule"]]).toEqual([403, "approval.decide"]);
    expect((await decide("root", aQuestionView().id, { decision: "allow" })).status).toBe(404);
  });

  test("go back to their node with who answered and why, at once", async () => {
    const question = view();
    await report(question);
    const { version } = await poll();
    const waiting = poll(version, 20_000);
    expect(await decide("olga", question.id, { decision: "allow", why: "agreed" })).toMatchObject({ status: 200, body: { outcome: "allowed", by: "olga" } });
    expect((await waiting).decisions).toContainEqual({ id: question.id, by: "olga", decision: { decision: "allow", scope: "once", reason: "agreed" } });
    expect(await decide("ann", question.id, { decision: "deny" })).toMatchObject({ status: 409, body: { rule: "approval.late", reason: "it was allowed already, by olga" } });
  });

  test("are revoked for every node, where they were allowed for the thread", async () => {
    const question = view();
    await report(question);
    await decide("ann", question.id, { decision: "allow", scope: "thread" });
    expect((await poll()).threads).toMatchObject([{ id: question.id, by: "ann" }]);
    expect((await stand.call("POST", `/v1/approvals/${question.id}/revoke`, { ...as("eve"), body: {} })).status).toBe(403);
    expect(await stand.call("POST", `/v1/approvals/${question.id}/revoke`, { ...as("olga"), body: { why: "a mistake" } })).toMatchObject({ status: 200, body: { id: question.id } });
    const news = await poll();
    expect([news.threads, news.revoked[question.id]]).toEqual([[], { by: "olga", reason: "a mistake" }]);
  });

  test("are answered with one of the answers that are offered", async () => {
    const question = view({ scopes: ["once"] });
    await report(question);
    expect(await decide("olga", question.id, { decision: "allow", scope: "thread" })).toMatchObject({ status: 422, body: { rule: "approval.scope" } });
    expect((await decide("olga", question.id, { decision: "deny", scope: "once" })).status).toBe(400);
    expect((await decide("olga", question.id, { decision: "perhaps" })).status).toBe(400);
  });
});

describe("nobody speaks for another", () => {
  test("an agent cannot see or answer what it has to ask a person, by no way through its boundary", async () => {
    const question = view();
    await report(question);
    expect((await stand.asInstance(pod, "GET", "/v1/approvals")).status).toBe(403);
    expect((await stand.asInstance(pod, "POST", `/v1/approvals/${question.id}/decision`, { decision: "allow" })).status).toBe(403);
    expect((await stand.asInstance(pod, "POST", APPROVALS_PATHS.report, { ...P1, sentAtMs: Date.now(), asked: [], over: [] })).status).toBe(403);
    expect((await stand.asInstance(pod, "POST", APPROVALS_PATHS.poll, { ...P1, version: "", waitMs: 0 })).status).toBe(403);
  });

  test("a node proxy cannot answer, and not ask for a pod of another node or in another agent's name", async () => {
    const question = view();
    expect(await report(question, "node-2")).toMatchObject({ status: 200, body: { kept: [] } });
    expect(await report(view({ agent: { ...question.agent, name: "other" } }))).toMatchObject({ body: { kept: [] } });
    expect(await report(view({ agent: { ...question.agent, pod: null } }))).toMatchObject({ body: { kept: [] } });
    await report(question);
    expect((await asNode("node-1", `/v1/approvals/${question.id}/decision`, { decision: "allow" })).status).toBe(403);
    expect((await asNode("node-2", APPROVALS_PATHS.report, { proxy: "p9", startedAtMs: 1, sentAtMs: Date.now(), asked: [], over: [{ id: question.id, outcome: "withdrawn" }] })).status).toBe(200);
    expect((await stand.call("GET", `/v1/approvals/${question.id}`, as("olga"))).body).toMatchObject({ state: "open" });
  });

  test("a node proxy cannot get a yes for a thread that its pod does not serve, and the cluster says for whom the thread works", async () => {
    const question = view();
    expect(await report(view({ agent: { ...question.agent, thread: "shop-2" } }))).toMatchObject({ status: 200, body: { kept: [] } });
    await report(view({ id: question.id, agent: { ...question.agent, user: "root", chain: ["other"] } }));
    expect((await stand.call("GET", `/v1/approvals/${question.id}`, as("olga"))).body).toMatchObject({ agent: { thread: "shop-1", user: "olga", chain: [] } });
  });

  test("one question that is not understood keeps no other from people", async () => {
    const question = view();
    const body = { ...P1, sentAtMs: Date.now(), asked: [{ ...view(), path: "x".repeat(3_000) }, question], over: [] };
    expect(await asNode("node-1", APPROVALS_PATHS.report, body)).toMatchObject({ status: 200, body: { kept: [question.id] } });
  });

  test("a node whose clock is hours off has its questions answered all the same", async () => {
    const behindMs = 5 * 3_600_000;
    const question = view({ askedAtMs: Date.now() - behindMs, expiresAtMs: Date.now() - behindMs + 60_000 });
    await asNode("node-1", APPROVALS_PATHS.report, { ...P1, sentAtMs: Date.now() - behindMs, asked: [question], over: [] });
    expect(await decide("olga", question.id, { decision: "allow" })).toMatchObject({ status: 200 });
  });

  test("a person is no node", async () => {
    expect((await stand.call("POST", APPROVALS_PATHS.poll, { ...as("olga"), body: { ...P1, version: "", waitMs: 0 } })).status).toBe(403);
  });
});
