import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { startApi, tokenFor, type ApiStand } from "../../support/api/api-stand.ts";

const alice = tokenFor("alice");
const THREADS = "/v1/namespaces/default/threads";
type Pod = Awaited<ReturnType<ApiStand["addPod"]>>;

let stand: ApiStand;
beforeAll(async () => {
  stand = await startApi({ api: { pollIntervalMs: 100 } });
  stand.addUser("alice");
  await stand.addAgent("runner", { grants: ["build"], spawn: [{ agent: "notifier", grants: ["chat", "mail"], maxThreads: 3 }, { agent: "runner", grants: ["build"], maxThreads: 20 }] });
  await stand.addAgent("notifier", { grants: ["chat"] });
  await stand.addAgent("other");
  await stand.store.relate({ objectKind: "agent", object: "default/runner", relation: "participant", subject: "user:alice" });
});
afterAll(async () => { await stand?.close(); });

const openThread = async (body: object = {}) => String(((await stand.call("POST", THREADS, { token: alice, body: { agent: "runner", ...body } })).body["thread"] as { name: string }).name);
const running = async (body: object = {}): Promise<{ name: string; pod: Pod }> => {
  const name = await openThread(body);
  return { name, pod: await stand.addPod(name) };
};
const activityOf = async (name: string) => (await stand.store.demand((await stand.store.threadByName("default", name))?.uid ?? "")).lastActivityMs;

describe("an instance", () => {
  test("learns who it is from its boundary alone", async () => {
    const { name, pod } = await running({ message: "hi" });
    expect(await stand.asInstance(pod, "GET", "/v1/instance")).toMatchObject({
      status: 200, body: { namespace: "default", agent: "runner", pod: pod.pod, container: null, thread: { name, user: "alice", chain: [], grants: null, unread: 1 } },
    });
  });

  test("gets its messages again and again until it acknowledges them, and answers once for each key", async () => {
    const { name, pod } = await running({ message: "build it" });
    const receive = async () => (await stand.asInstance(pod, "GET", "/v1/instance/messages")).body["messages"] as { id: string; body: string }[];
    const [first] = await receive();
    expect(await receive()).toEqual([first]);
    const answer = async () => stand.call("POST", "/v1/instance/answers", { token: tokenFor("proxy-on-node-1"), instance: pod, body: { body: "done" }, headers: { "idempotency-key": "turn-1" } });
    expect(await answer()).toMatchObject({ status: 201, body: { message: { seq: 2, sender: { role: "agent", name: "runner" }, isForAgent: false } } });
    expect(await answer()).toMatchObject({ status: 200, body: { isNew: false } });
    expect(await stand.asInstance(pod, "POST", `/v1/instance/messages/${first?.id}/acknowledge`)).toMatchObject({ status: 200, body: { acknowledged: 1 } });
    expect(await receive()).toEqual([]);
    expect((await stand.call("GET", `${THREADS}/${name}/messages`, { token: alice })).body["messages"]).toMatchObject([{ body: "build it", acknowledgedAt: expect.any(String) }, { body: "done" }]);
  });

  test("that waits is woken by a message, and not counted as active for waiting", async () => {
    const { name, pod } = await running();
    const waiting = stand.asInstance(pod, "GET", "/v1/instance/messages?wait=20");
    const startedMs = Date.now();
    await stand.cluster.get(TYPES.pods, { namespace: "default", name: "nothing" });
    expect(await activityOf(name)).toBeNull();
    await stand.call("POST", `${THREADS}/${name}/messages`, { token: alice, body: { body: "wake up" } });
    expect((await waiting).body["messages"]).toMatchObject([{ body: "wake up" }]);
    expect(Date.now() - startedMs).toBeLessThan(10_000);
  });

  test("that waits in vain gets an empty list in time", async () => {
    const { pod } = await running();
    const startedMs = Date.now();
    expect(await stand.asInstance(pod, "GET", "/v1/instance/messages?wait=0.3")).toMatchObject({ status: 200, body: { messages: [] } });
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(290);
  });

  test("keeps itself awake", async () => {
    const { name, pod } = await running();
    expect((await stand.asInstance(pod, "POST", "/v1/instance/keepalive")).status).toBe(204);
    expect(await activityOf(name)).toBeGreaterThan(Date.now() - 60_000);
  });

  test("has no messages any more when its thread is deleted", async () => {
    const { name, pod } = await running();
    await stand.call("DELETE", `${THREADS}/${name}`, { token: alice });
    expect(await stand.asInstance(pod, "GET", "/v1/instance/messages")).toMatchObject({ status: 410, body: { error: "gone", rule: "instance.no-such-thread" } });
  });
});

describe("a child", () => {
  test("a parent gives each of its children no more than it has left, however many ask at once", async () => {
    await stand.addAgent("rich", { spawn: [{ agent: "notifier", maxThreads: 20 }] });
    const made = await stand.cluster.create(TYPES.threads, { metadata: { namespace: "default", name: "rich-one" }, spec: { agent: "rich", user: "alice", allowance: { usd: "5" } } });
    const pod = await stand.addPod(made.metadata.name, { agent: "rich" });
    expect((await stand.asInstance(pod, "GET", "/v1/instance")).body).toMatchObject({ thread: { allowance: { usd: "5" } } });
    const answers = await Promise.all(Array.from({ length: 6 }, async () => stand.asInstance(pod, "POST", "/v1/instance/threads", { agent: "notifier", allowance: { usd: "2.00" } })));
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([201, 201, 409, 409, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ rule: "spawn.allowance", reason: expect.stringContaining("can still give away $1.00") as string });
    expect(answers.find(({ status }) => status === 201)?.body).toMatchObject({ thread: { allowance: { usd: "2.00" } } });
  });

  const spawn = async (pod: Pod, body: object, key?: string) => stand.call("POST", "/v1/instance/threads",
    { token: tokenFor("proxy-on-node-1"), instance: pod, body, ...(key === undefined ? {} : { headers: { "idempotency-key": key } }) });

  test("gets only what both agents say, the user of its parent, and its parent in its chain", async () => {
    const { name, pod } = await running();
    const { status, body } = await spawn(pod, { agent: "notifier", message: "the job failed" });
    expect(status).toBe(201);
    expect(body["thread"]).toMatchObject({ agent: "notifier", user: "alice", parent: name, grants: ["chat"], chain: [`default/runner/${name}`], unread: 1 });
    const child = String((body["thread"] as { name: string }).name);
    expect((await stand.call("GET", `${THREADS}/${child}/messages`, { token: alice })).body["messages"]).toMatchObject([{ sender: { role: "agent", name: "runner" }, isForAgent: true }]);
    expect((await stand.asInstance(pod, "GET", "/v1/instance/children")).body["threads"]).toMatchObject([{ name: child }]);
  });

  test("is talked to by its parent, which reads what it answers, stops and deletes it", async () => {
    const { pod } = await running();
    const child = String(((await spawn(pod, { agent: "notifier" })).body["thread"] as { name: string }).name);
    const childPod = await stand.addPod(child);
    expect((await stand.asInstance(pod, "POST", `/v1/instance/children/${child}/messages`, { body: "say it" })).status).toBe(201);
    await stand.asInstance(childPod, "POST", "/v1/instance/answers", { body: "said" });
    expect((await stand.asInstance(pod, "GET", `/v1/instance/children/${child}/messages`)).body["messages"]).toMatchObject([{ body: "say it", isForAgent: true }, { body: "said", isForAgent: false }]);
    expect((await stand.asInstance(pod, "POST", `/v1/instance/children/${child}/stop`)).status).toBe(202);
    expect((await stand.asInstance(pod, "DELETE", `/v1/instance/children/${child}`)).status).toBe(204);
    expect((await stand.asInstance(pod, "GET", "/v1/instance/children")).body["threads"]).toEqual([]);
  });

  test("is one for each key, and not more than the limit are there at once, however many ask", async () => {
    const { pod } = await running();
    const same = await Promise.all(Array.from({ length: 10 }, async () => spawn(pod, { agent: "notifier" }, "k")));
    expect(new Set(same.map(({ body }) => (body["thread"] as { name: string }).name)).size).toBe(1);
    const more = await Promise.all(Array.from({ length: 10 }, async () => spawn(pod, { agent: "notifier" })));
    expect(more.filter(({ status }) => status === 201)).toHaveLength(2);
    expect(more.find(({ status }) => status === 409)?.body).toMatchObject({ rule: "spawn.max-threads" });
    expect((await stand.asInstance(pod, "GET", "/v1/instance/children")).body["threads"]).toHaveLength(3);
  });

  test("of a pod that was replaced is the same for the same key: keys belong to the thread", async () => {
    const { name, pod } = await running();
    const before = (await spawn(pod, { agent: "notifier" }, "once")).body["thread"] as { name: string };
    await stand.cluster.remove(TYPES.pods, { namespace: "default", name: pod.pod });
    const next = await stand.addPod(name);
    expect(await spawn(next, { agent: "notifier" }, "once")).toMatchObject({ status: 200, body: { isNew: false, thread: { name: before.name } } });
  });

  test("has at most sixteen agents above it", async () => {
    let { pod } = await running();
    for (let depth = 1; depth <= 16; depth += 1) {
      const { status, body } = await spawn(pod, { agent: "runner" });
      expect(status, `depth ${depth}`).toBe(201);
      expect((body["thread"] as { chain: string[] }).chain).toHaveLength(depth);
      pod = await stand.addPod(String((body["thread"] as { name: string }).name));
    }
    expect(await spawn(pod, { agent: "runner" })).toMatchObject({ status: 403, body: { rule: "spawn.depth" } });
  });
});

describe("activity that a node proxy reports", () => {
  const report = async (instances: object[], token = tokenFor("proxy-on-node-1")) => stand.call("POST", "/internal/v1/activity", { token, body: { instances } });

  test("counts for pods of its own node, and never lies in the future", async () => {
    const here = await running();
    const elsewhere = await openThread();
    const far = await stand.addPod(elsewhere, { node: "node-2" });
    const told = (pod: Pod, lastActivityMs: number) => ({ namespace: pod.namespace, name: pod.pod, podUid: pod.uid, lastActivityMs });
    const answer = await report([told(here.pod, 4e12), told(far, 1_000), told({ ...here.pod, uid: "other" }, 1_000), told({ ...here.pod, pod: "nothing" }, 1_000)]);
    expect(answer).toMatchObject({ status: 200, body: { accepted: 1, ignored: 3 } });
    expect(await activityOf(here.name)).toBeLessThanOrEqual(Date.now());
    expect(await activityOf(elsewhere)).toBeNull();
  });

  test("says which budget stops a thread, whose inbox still takes messages; raising the budget, or the next report, ends that", async () => {
    const { pod, name } = await running();
    const uid = (await stand.store.threadByName("default", name))?.uid ?? "";
    const told = (exhausted: object | null | undefined) => report([{ namespace: pod.namespace, name: pod.pod, podUid: pod.uid, lastActivityMs: 1, ...(exhausted === undefined ? {} : { exhausted }) }]);
    const lack = { budget: "default.daily", reason: "default.daily allows $2.00 per day; $2.00 spent", opensAtMs: 4e12 };
    const lackOf = async () => (await stand.store.demand(uid)).exhaustion;
    await told(lack);
    expect(await lackOf()).toEqual(lack);
    await told(undefined);
    expect(await lackOf()).toEqual(lack);
    const posted = await stand.call("POST", `/v1/namespaces/default/threads/${name}/messages`, { token: alice, body: { body: "go on tomorrow" } });
    expect(posted.status).toBe(201);
    stand.addUser("root", ["system:masters"]);
    stand.budgets.set("default.daily", { id: "default.daily", namespace: "default", name: "daily", meter: "usd", limit: 2n, window: "day", timezone: "UTC", per: "all", parent: null, thresholds: [] });
    await stand.call("POST", "/v1/budgets/default.daily/adjust", { token: tokenFor("root"), body: { kind: "topup", amount: "5" } });
    expect(await lackOf()).toBeUndefined();
    await told(lack);
    await told(null);
    expect(await lackOf()).toBeUndefined();
    await told({ ...lack, budget: "" });
    expect(await lackOf()).toBeUndefined();
  });

  test("is taken from nobody else", async () => {
    expect(await report([], alice)).toMatchObject({ status: 403, body: { rule: "people.default" } });
    const { pod } = await running();
    expect(await stand.asInstance(pod, "POST", "/internal/v1/activity", { instances: [] })).toMatchObject({ status: 403, body: { rule: "instance.own-thread" } });
    expect((await report(Array.from({ length: 1_001 }, () => ({ namespace: "a", name: "b", podUid: "c", lastActivityMs: 1 })))).status).toBe(400);
  });
});
