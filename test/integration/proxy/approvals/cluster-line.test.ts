import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { silentLog } from "../../../../common/log.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { approvalsConfig } from "../../../../proxy/approvals/config.ts";
import { ApprovalDesk } from "../../../../proxy/approvals/desk.ts";
import { ThreadApprovals } from "../../../../proxy/approvals/thread-approvals.ts";
import { ApprovalLine } from "../../../../proxy/cluster/approval-line.ts";
import { EgressError } from "../../../../proxy/errors.ts";
import { startApi, tokenFor, type ApiStand } from "../../../support/api/api-stand.ts";
import { anAsk, aSubject, heard, staying, type Heard } from "../../../support/approval-stand.ts";
import { eventually } from "../../../support/whole-proxy.ts";

/** One node's desk and its line to a controller, which can be cut. */
class Node {
  readonly directory = mkdtempSync(join(tmpdir(), "weir-node-approvals-"));
  readonly events: Heard = heard();
  readonly line: ApprovalLine;
  readonly desk: ApprovalDesk;
  readonly #end = new AbortController();
  isCut = false;

  constructor(api: ApiStand, node: string) {
    const ask = async (_to: unknown, { path, body }: { readonly path: string; readonly body: string }) => {
      if (this.isCut) throw new Error("the line is cut");
      const answer = await api.call("POST", path, { token: tokenFor(`proxy-on-${node}`), body: JSON.parse(body) });
      if (this.isCut) throw new Error("the line was cut before the answer came");
      return { status: answer.status, body: JSON.stringify(answer.body) };
    };
    this.line = new ApprovalLine({ proxy: `process-${Math.random().toString(36).slice(2)}`, client: { ask }, controller: () => ({ address: "127.0.0.1", port: 1 }), clock: systemClock, log: silentLog });
    this.desk = new ApprovalDesk({
      config: approvalsConfig.parse({}), clock: systemClock, threads: new ThreadApprovals({ directory: this.directory, limit: 100, clock: systemClock, log: silentLog }),
      listeners: [this.events.listener, this.line.listener], reachesPeople: this.line.reachesPeople,
    });
    void this.line.run(this.desk, this.#end.signal);
  }

  [Symbol.dispose](): void {
    this.#end.abort();
    rmSync(this.directory, { recursive: true });
  }
}

let api: ApiStand;
let pod: Awaited<ReturnType<ApiStand["addPod"]>>;
let first: Node;
let second: Node;
beforeAll(async () => {
  api = await startApi();
  api.addUser("root", ["system:masters"]);
  await api.addAgent("shop");
  const thread = await api.cluster.create(TYPES.threads, { metadata: { namespace: "default", name: "t1" }, spec: { agent: "shop", user: "ann", chain: [] } });
  await api.store.ensureThread({ uid: thread.metadata.uid ?? "", namespace: "default", name: "t1", agent: "shop", owner: "ann", parentUid: null }, Date.now());
  pod = await api.addPod("t1");
});
afterAll(async () => api.close());
beforeEach(() => {
  first = new Node(api, "node-1");
  second = new Node(api, "node-2");
});
afterEach(() => {
  first[Symbol.dispose]();
  second[Symbol.dispose]();
});

const subject = (id: string) => aSubject({ id, fingerprint: id, agent: { ...aSubject().agent, namespace: "default", thread: "t1", instance: `${pod.uid}/0`, pod: pod.pod } });
const root = { token: tokenFor("root") };
const idOf = async (requestId: string): Promise<string> => {
  let id = "";
  await eventually(`the question of ${requestId}`, async () => {
    const { questions } = (await api.call("GET", "/v1/approvals", root)).body as { questions: { id: string; requestId: string }[] };
    id = questions.find((one) => one.requestId === requestId)?.id ?? "";
    return id !== "";
  });
  return id;
};
const decide = async (id: string, body: object) => api.call("POST", `/v1/approvals/${id}/decision`, { ...root, body });
/** What whoever answered is told, after a wait. */
const deliveryOf = async (id: string) => {
  const { state, delivery } = (await api.call("GET", `/v1/approvals/${id}?waitMs=10000`, root)).body;
  return [state, delivery];
};

describe("whoever answers is told", () => {
  test("that the answer is recorded, then what the request made of it", async () => {
    const waiting = first.desk.ask(subject("d1.1"), anAsk(), staying);
    const id = await idOf("d1.1");
    expect((await decide(id, { decision: "allow" })).body).toMatchObject({ outcome: "allowed", delivery: "recorded" });
    first.desk.tellBack(await waiting, true);
    expect(await deliveryOf(id)).toEqual(["allowed", "went-on"]);
  });

  test("that policy does not let the request go on, in spite of the yes", async () => {
    const waiting = first.desk.ask(subject("d2.1"), anAsk(), staying);
    const id = await idOf("d2.1");
    await decide(id, { decision: "allow", scope: "thread" });
    first.desk.tellBack(await waiting, false);
    expect(await deliveryOf(id)).toEqual(["allowed", "refused"]);
    await api.call("POST", `/v1/approvals/${id}/revoke`, { ...root, body: {} });
    await eventually("that it holds no longer", () => !first.desk.covers(subject("x"), "billing.charge"));
  });

  test("that the client had left", async () => {
    const client = new AbortController();
    const waiting = first.desk.ask(subject("d3.1"), anAsk(), client.signal);
    const id = await idOf("d3.1");
    client.abort(new EgressError("relay.aborted", "gone"));
    await expect(waiting).rejects.toMatchObject({ code: "relay.aborted" });
    await decide(id, { decision: "deny" });
    expect(await deliveryOf(id)).toEqual(["denied", "client-left"]);
  });

  test("that the time was over before the answer came to the node", async () => {
    const waiting = first.desk.ask(subject("d4.1"), anAsk({ timeoutMs: 1_500 }), staying);
    const id = await idOf("d4.1");
    first.isCut = true;
    expect((await decide(id, { decision: "allow" })).status).toBe(200);
    expect(await waiting).toMatchObject({ outcome: "expired" });
    first.isCut = false;
    expect(await deliveryOf(id)).toEqual(["expired", null]);
  });

  test("that the proxy ended before it said what came of the answer", async () => {
    const waiting = first.desk.ask(subject("d5.1"), anAsk(), staying);
    const id = await idOf("d5.1");
    await decide(id, { decision: "allow" });
    await waiting;
    first.isCut = true;
    using next = new Node(api, "node-1");
    expect([next.isCut, await deliveryOf(id)]).toEqual([false, ["allowed", "lost"]]);
  });

  test("nothing yet while the node cannot be reached, and no longer than they wait for it", async () => {
    void first.desk.ask(subject("d6.1"), anAsk(), staying);
    const id = await idOf("d6.1");
    first.isCut = true;
    await decide(id, { decision: "allow" });
    expect((await api.call("GET", `/v1/approvals/${id}?waitMs=50`, root)).body).toMatchObject({ state: "allowed", delivery: "recorded" });
    expect((await api.call("GET", `/v1/approvals/${id}?waitMs=20001`, root)).status).toBe(400);
  });
});

describe("a question of a node", () => {
  test("is answered at the controller, by a person whom it names", async () => {
    const waiting = first.desk.ask(subject("c1.1"), anAsk(), staying);
    await decide(await idOf("c1.1"), { decision: "allow", why: "agreed" });
    expect(await waiting).toMatchObject({ outcome: "allowed", by: "root", reason: "agreed", scope: "once" });
    expect(first.events.events).toEqual(["asked c1.1", "allowed c1.1 by root"]);
  });

  test("is refused at the controller", async () => {
    const waiting = first.desk.ask(subject("c2.1"), anAsk(), staying);
    await decide(await idOf("c2.1"), { decision: "deny", why: "no" });
    expect(await waiting).toMatchObject({ outcome: "denied", by: "root", reason: "no" });
  });

  test("is allowed for the thread on every node, and taken back on every node", async () => {
    const waiting = first.desk.ask(subject("c3.1"), anAsk(), staying);
    const id = await idOf("c3.1");
    await decide(id, { decision: "allow", scope: "thread" });
    expect(await waiting).toMatchObject({ outcome: "allowed", scope: "thread", id });
    await eventually("that the other node knows", () => second.desk.covers(subject("x"), "billing.charge"));
    await api.call("POST", `/v1/approvals/${id}/revoke`, { ...root, body: { why: "a mistake" } });
    await eventually("that both forget", () => [first, second].every(({ desk }) => !desk.covers(subject("x"), "billing.charge")));
    expect(second.events.events).toContain("revoked billing.charge by root");
  });

  test("that was asked while the controller was away is brought to it when it is back", async () => {
    first.isCut = true;
    const waiting = first.desk.ask(subject("c4.1"), anAsk(), staying);
    await eventually("that it is asked", () => first.desk.list().questions.length === 1);
    first.isCut = false;
    await decide(await idOf("c4.1"), { decision: "allow" });
    expect(await waiting).toMatchObject({ outcome: "allowed" });
  });

  test("fails at its time where the controller never heard of it: nobody was asked", async () => {
    first.isCut = true;
    await expect(first.desk.ask(subject("c5.1"), anAsk({ timeoutMs: 1_000 }), staying)).rejects.toMatchObject({ code: "approval.unavailable" });
  });

  test("expires at its time where people could have answered, and is over at the controller too", async () => {
    const waiting = first.desk.ask(subject("c6.1"), anAsk({ timeoutMs: 1_500 }), staying);
    const id = await idOf("c6.1");
    expect(await waiting).toMatchObject({ outcome: "expired" });
    await eventually("that it is over", async () => (await api.call("GET", `/v1/approvals/${id}`, root)).body["state"] === "expired");
  });

  test("that the controller does not take is refused at once, and keeps no other from people", async () => {
    const elsewhere = first.desk.ask({ ...subject("c9.1"), agent: { ...subject("c9.1").agent, thread: "another" } }, anAsk(), staying);
    const waiting = first.desk.ask(subject("c10.1"), anAsk(), staying);
    await expect(elsewhere).rejects.toMatchObject({ code: "approval.unavailable" });
    await decide(await idOf("c10.1"), { decision: "allow" });
    expect(await waiting).toMatchObject({ outcome: "allowed" });
  });

  test("of a process that is gone is withdrawn when the next one speaks", async () => {
    void first.desk.ask(subject("c7.1"), anAsk(), staying);
    const id = await idOf("c7.1");
    first.isCut = true;
    using next = new Node(api, "node-1");
    void next.desk.ask(subject("c8.1"), anAsk(), staying);
    await idOf("c8.1");
    expect((await api.call("GET", `/v1/approvals/${id}`, root)).body["state"]).toBe("withdrawn");
  });
});
