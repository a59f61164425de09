import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TYPES } from "../../common/kube/resource-types.ts";
import { INSTANCE_HEADER, LABELS } from "../../common/labels.ts";
import { PROXY_USER, startApi, tokenFor, type ApiStand } from "../support/api/api-stand.ts";

const CANARY = "canary-7f3a91";
const alice = tokenFor("alice");
const eve = tokenFor("eve");
const proxy = tokenFor("proxy-on-node-1");
const THREADS = "/v1/namespaces/default/threads";
type Pod = Awaited<ReturnType<ApiStand["addPod"]>>;

let stand: ApiStand;
/** Thread of alice that holds the canary, its first message, its pod and a child with the canary. */
let victim: { name: string; uid: string; message: string; pod: Pod; child: string };
/** Thread of eve, and its pod. */
let attacker: { name: string; uid: string; pod: Pod };

beforeAll(async () => {
  stand = await startApi();
  for (const name of ["alice", "eve"]) stand.addUser(name);
  await stand.addAgent("runner", { grants: ["build"], spawn: [{ agent: "notifier", grants: ["chat", "mail"] }, { agent: "bare", grants: ["chat"] }, { agent: "runner", grants: ["build"] }] });
  await stand.addAgent("notifier", { grants: ["chat"], spawn: [{ agent: "runner", grants: ["build", "chat"] }] });
  await stand.addAgent("root", { grants: ["everything"] });
  await stand.addAgent("bare", { image: undefined, grants: ["chat"] });
  await stand.addAgent("notifier", { grants: ["chat", "mail"] }, "other");
  for (const subject of ["user:alice", "user:eve"]) await stand.store.relate({ objectKind: "agent", object: "default/runner", relation: "participant", subject });
  const name = await open(alice, CANARY);
  const pod = await stand.addPod(name);
  const child = nameOf(await stand.asInstance(pod, "POST", "/v1/instance/threads", { agent: "notifier", message: CANARY }));
  await stand.asInstance(pod, "POST", "/v1/instance/answers", { body: CANARY });
  const uid = (await stand.cluster.get(TYPES.threads, { namespace: "default", name }))?.metadata.uid ?? "";
  victim = { name, uid, pod, child, message: (await stand.store.pending(uid, 1))[0]?.id ?? "" };
  const own = await open(eve, "mine");
  attacker = { name: own, uid: (await stand.cluster.get(TYPES.threads, { namespace: "default", name: own }))?.metadata.uid ?? "", pod: await stand.addPod(own) };
});
afterAll(async () => { await stand?.close(); });

const open = async (token: string, message: string) => nameOf(await stand.call("POST", THREADS, { token, body: { agent: "runner", message } }));
/** Deletes a thread for good, as the leader does. */
async function end(name: string): Promise<void> {
  const thread = await stand.cluster.get(TYPES.threads, { namespace: "default", name });
  if (thread === null) throw new Error(`there is no thread ${name}`);
  await stand.cluster.replace(TYPES.threads, { ...thread, metadata: { ...thread.metadata, finalizers: [] } });
  await stand.cluster.remove(TYPES.threads, { namespace: "default", name });
}

const nameOf = (answer: { body: Record<string, unknown> }) => (answer.body["thread"] as { name: string }).name;
const spawn = async (pod: Pod, body: object) => stand.asInstance(pod, "POST", "/v1/instance/threads", body);

describe("a person cannot", () => {
  test("read, change or find another user's thread by any route", async () => {
    const thread = `${THREADS}/${victim.name}`;
    const child = `${THREADS}/${victim.child}`;
    const attempts: readonly (readonly [string, string, unknown?])[] = [
      ...[thread, child, `${THREADS}/${victim.uid}`].flatMap((path) => [
        ["GET", path], ["GET", `${path}/messages`], ["GET", `${path}/messages?after=0&limit=200`], ["GET", `${path}/events`], ["GET", `${path}/participants`],
        ["POST", `${path}/messages`, { body: "x" }], ["POST", `${path}/messages/${victim.message}/acknowledge`], ["POST", `${path}/stop`], ["DELETE", path],
        ["PUT", `${path}/participants/participant/user:eve`], ["PUT", `${path}/participants/owner/user:eve`], ["DELETE", `${path}/participants/owner/user:alice`],
      ] as const),
      ["GET", `${THREADS}/..%2F${victim.name}/messages`], ["GET", `/v1/namespaces/other/threads/${victim.name}/messages`],
      ["GET", "/v1/instance/messages"], ["GET", "/v1/instance"], ["GET", "/v1/instance/children"], ["GET", `/v1/instance/children/${victim.child}/messages`], ["POST", "/v1/instance/answers", { body: "x" }],
    ];
    for (const [method, path, body] of attempts) {
      const answer = await stand.call(method, path, { token: eve, ...(body === undefined ? {} : { body }) });
      expect([400, 403, 404], `${method} ${path} ${answer.status}`).toContain(answer.status);
      expect(JSON.stringify(answer), `${method} ${path}`).not.toContain(CANARY);
    }
    const lists = await Promise.all([stand.call("GET", THREADS, { token: eve }), stand.call("GET", `${THREADS}?limit=200&agent=notifier`, { token: eve })]);
    expect(JSON.stringify(lists)).not.toContain(victim.name);
    expect((await stand.store.relations("thread", victim.uid))).toHaveLength(1);
    expect(await stand.store.pending(victim.uid, 10)).toHaveLength(1);
  });

  test("tell a thread of somebody else from one that is not there", async () => {
    const there = await stand.call("GET", `${THREADS}/${victim.name}`, { token: eve });
    const missing = await stand.call("GET", `${THREADS}/${victim.name.replace(/.$/, "z")}`, { token: eve });
    const comparable = ({ status, body }: typeof there, name: string) => JSON.stringify([status, { ...body, request_id: "" }]).replaceAll(name, "NAME");
    expect(comparable(missing, victim.name.replace(/.$/, "z"))).toBe(comparable(there, victim.name));
  });

  test("acknowledge a message of another thread through their own", async () => {
    expect((await stand.call("POST", `${THREADS}/${attacker.name}/messages/${victim.message}/acknowledge`, { token: eve })).status).toBe(404);
    expect(await stand.store.pending(victim.uid, 10)).toHaveLength(1);
  });

  test("speak for an instance, with whatever header", async () => {
    const header = Buffer.from(JSON.stringify(victim.pod)).toString("base64url");
    for (const headers of [{ [INSTANCE_HEADER]: header }, { [INSTANCE_HEADER.toUpperCase()]: header }, { [INSTANCE_HEADER]: "" }, { [INSTANCE_HEADER]: "nonsense" }]) {
      expect(await stand.call("GET", "/v1/instance/messages", { token: eve, headers })).toMatchObject({ status: 403, body: { rule: "instance.not-a-proxy" } });
      expect(await stand.call("GET", THREADS, { token: eve, headers })).toMatchObject({ status: 403, body: { rule: "instance.not-a-proxy" } });
    }
  });

  test("pass for a node proxy by a name that looks like one, or by its token for somebody else", async () => {
    for (const name of [`${PROXY_USER}x`, `x${PROXY_USER}`, PROXY_USER.toUpperCase()]) {
      stand.addUser(name);
      expect((await stand.call("GET", "/v1/instance/messages", { token: tokenFor(name), instance: victim.pod })).status).toBe(403);
    }
    // The service account's own name, but the token is one for the API server.
    stand.addUser(PROXY_USER);
    expect(await stand.call("GET", "/v1/instance/messages", { token: tokenFor(PROXY_USER), instance: victim.pod })).toMatchObject({ status: 401, body: { rule: "instance.unbound-proxy" } });
  });

  test("make a thread in the name of another by taking the name of a key first", async () => {
    const wish = { token: alice, body: { agent: "runner" }, headers: { "idempotency-key": "predictable" } };
    const name = nameOf(await stand.call("POST", THREADS, wish));
    await end(name);
    await stand.cluster.create(TYPES.threads, { metadata: { namespace: "default", name }, spec: { agent: "runner", user: "eve" } });
    expect(await stand.call("POST", THREADS, { ...wish, body: { agent: "runner", message: CANARY } })).toMatchObject({ status: 409 });
    expect(JSON.stringify(await stand.call("GET", `${THREADS}/${name}/messages`, { token: eve }))).not.toContain(CANARY);
  });

  test("keep another participant's message out by using its key first", async () => {
    await stand.call("PUT", `${THREADS}/${attacker.name}/participants/participant/user:alice`, { token: eve });
    const post = async (token: string) => stand.call("POST", `${THREADS}/${attacker.name}/messages`, { token, body: { body: "x" }, headers: { "idempotency-key": "same" } });
    expect((await post(eve)).status).toBe(201);
    expect((await post(alice)).status).toBe(201);
  });

  test("find a thread of the past under a name that was used again", async () => {
    const spec = { agent: "runner", user: "alice" };
    const old = await stand.cluster.create(TYPES.threads, { metadata: { namespace: "default", name: "reused" }, spec });
    await stand.call("POST", `${THREADS}/reused/messages`, { token: alice, body: { body: CANARY } });
    await stand.cluster.remove(TYPES.threads, { namespace: "default", name: "reused" });
    await stand.cluster.create(TYPES.threads, { metadata: { namespace: "default", name: "reused" }, spec: { ...spec, user: "eve" } });
    expect((await stand.call("GET", `${THREADS}/reused/messages`, { token: eve })).body).toEqual({ messages: [] });
    expect((await stand.store.thread(old.metadata.uid ?? ""))?.archivedAtMs).not.toBeNull();
  });
});

describe("an instance cannot", () => {
  test("be spoken for by the proxy of another node, or when it is gone", async () => {
    expect(await stand.call("GET", "/v1/instance", { token: tokenFor("proxy-on-node-2"), instance: victim.pod })).toMatchObject({ status: 401, body: { rule: "instance.other-node" } });
    expect(await stand.call("GET", "/v1/instance", { token: proxy, instance: { ...victim.pod, uid: "00000000" } })).toMatchObject({ status: 401, body: { rule: "instance.unknown" } });
    expect(await stand.call("GET", "/v1/instance", { token: proxy, instance: { ...victim.pod, namespace: "other" } })).toMatchObject({ status: 401, body: { rule: "instance.unknown" } });
    const done = await stand.cluster.create(TYPES.pods, { metadata: { namespace: "default", name: "done", labels: { [LABELS.agent]: "runner" } }, spec: { nodeName: "node-1" }, status: { phase: "Succeeded" } });
    expect(await stand.call("GET", "/v1/instance", { token: proxy, instance: { namespace: "default", pod: "done", uid: done.metadata.uid } })).toMatchObject({ status: 401, body: { rule: "instance.gone" } });
  });

  test("take over a thread by a label: a pod that the thread does not own does not serve it", async () => {
    const labelled = await stand.cluster.create(TYPES.pods, {
      metadata: { namespace: "default", name: "impostor", labels: { [LABELS.agent]: "runner", [LABELS.thread]: victim.name } }, spec: { nodeName: "node-1" }, status: { phase: "Running" },
    });
    expect(await stand.asInstance({ namespace: "default", pod: "impostor", uid: labelled.metadata.uid ?? "" }, "GET", "/v1/instance/messages"))
      .toMatchObject({ status: 410, body: { error: "gone", rule: "instance.no-such-thread" } });
  });

  test("serve the next thread of its thread's name", async () => {
    const name = await open(eve, "old");
    const pod = await stand.addPod(name);
    await end(name);
    await stand.cluster.create(TYPES.threads, { metadata: { namespace: "default", name }, spec: { agent: "runner", user: "alice" } });
    expect(await stand.asInstance(pod, "GET", "/v1/instance/messages")).toMatchObject({ status: 410, body: { error: "gone", rule: "instance.no-such-thread" } });
  });

  test("reach another thread: no route of people, no child of others, no message by its id", async () => {
    for (const path of [`${THREADS}/${victim.name}`, `${THREADS}/${victim.name}/messages`, THREADS, `${THREADS}/${victim.name}/events`, "/v1/namespaces/default/agents"]) {
      expect(await stand.asInstance(attacker.pod, "GET", path)).toMatchObject({ status: 403, body: { rule: "people.only" } });
    }
    for (const name of [victim.child, victim.name, "nothing"]) {
      const answer = await stand.asInstance(attacker.pod, "GET", `/v1/instance/children/${name}/messages`);
      expect(answer).toMatchObject({ status: 403, body: { rule: "child.not-yours", reason: "your thread has no such child" } });
    }
    expect((await stand.asInstance(attacker.pod, "DELETE", `/v1/instance/children/${victim.child}`)).status).toBe(403);
    expect((await stand.asInstance(attacker.pod, "POST", `/v1/instance/messages/${victim.message}/acknowledge`)).status).toBe(404);
  });

  test("be the agent when it is a tool beside it", async () => {
    const tool = { ...victim.pod, container: "search" };
    for (const [method, path] of [["GET", "/v1/instance/messages"], ["POST", "/v1/instance/answers"], ["POST", "/v1/instance/threads"], ["GET", `/v1/instance/children/${victim.child}/messages`]] as const) {
      const body = method === "GET" ? undefined : path.endsWith("threads") ? { agent: "notifier" } : { body: "x" };
      expect(await stand.asInstance(tool as Pod, method, path, body)).toMatchObject({ status: 403, body: { rule: "instance.container" } });
    }
    expect((await stand.asInstance(tool as Pod, "GET", "/v1/instance")).status).toBe(200);
  });

  test("give a child more than may be handed on, by any spelling", async () => {
    for (const grants of [["mail"], ["build"], ["everything"], ["chat", "mail"]]) {
      expect(await spawn(attacker.pod, { agent: "notifier", grants })).toMatchObject({ status: 403, body: { rule: "spawn.grants" } });
    }
    expect(await spawn(attacker.pod, { agent: "root" })).toMatchObject({ status: 403, body: { rule: "spawn.agent" } });
    expect(await spawn(attacker.pod, { agent: "bare" })).toMatchObject({ status: 403, body: { rule: "spawn.unknown-agent" } });
    for (const body of [{ agent: "other/notifier" }, { agent: "notifier", user: "root" }, { agent: "notifier", chain: [] }, { agent: "notifier", parent: null }, { agent: "notifier", namespace: "other" }]) {
      expect((await spawn(attacker.pod, body)).status).toBe(400);
    }
  });

  test("get more for itself by way of a child that spawns it", async () => {
    const child = nameOf(await spawn(attacker.pod, { agent: "notifier", grants: [] }));
    const childPod = await stand.addPod(child);
    expect(await spawn(childPod, { agent: "runner", grants: ["build"] })).toMatchObject({ status: 403, body: { rule: "spawn.grants" } });
    const grandchild = await spawn(childPod, { agent: "runner" });
    expect(grandchild).toMatchObject({ status: 201, body: { thread: { grants: [], user: "eve" } } });
    expect((grandchild.body["thread"] as { chain: string[] }).chain).toEqual([`default/runner/${attacker.name}`, `default/notifier/${child}`]);
  });
});

describe("a webhook cannot", () => {
  test("replay an event into a second message, not at once and not in another mode", async () => {
    const event = { specversion: "1.0", id: "e1", source: "/s", type: "t", agent: "runner", subject: "replay" };
    const headers = { "content-type": "application/cloudevents+json" };
    const binary = { "ce-specversion": "1.0", "ce-id": "e1", "ce-source": "/s", "ce-type": "t", "ce-agent": "runner", "ce-subject": "replay" };
    const path = "/v1/namespaces/default/cloudevents";
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, async () => stand.call("POST", path, { token: eve, body: event, headers })),
      ...Array.from({ length: 10 }, async () => stand.call("POST", path, { token: eve, headers: binary })),
    ]);
    const delivered = answers.map(({ body }) => (body["events"] as { message: string; isNew: boolean }[])[0]!);
    expect(delivered.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(delivered.map(({ message }) => message)).size).toBe(1);
  });

  test("post to a thread of somebody else by naming it", async () => {
    const event = { specversion: "1.0", id: "e2", source: "/s", type: "t", subject: victim.name };
    expect(await stand.call("POST", "/v1/namespaces/default/cloudevents", { token: eve, body: event, headers: { "content-type": "application/cloudevents+json" } }))
      .toMatchObject({ status: 403, body: { rule: "thread.post" } });
  });
});
