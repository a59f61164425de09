import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EgressError } from "../../../../proxy/errors.ts";
import { anAsk, ApprovalStand, aSubject, staying } from "../../../support/approval-stand.ts";

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

const yes = { decision: "allow", scope: "once", reason: "agreed with Ann" } as const;
const forThread = { decision: "allow", scope: "thread", reason: "" } as const;
const no = { decision: "deny", reason: "not today" } as const;

/** A client that has left. */
async function abandoned({ desk }: ApprovalStand, changes: Parameters<typeof aSubject>[0] = {}): Promise<void> {
  const client = new AbortController();
  const waiting = desk.ask(aSubject(changes), anAsk(), client.signal);
  client.abort(new EgressError("relay.aborted", "gone"));
  await expect(waiting).rejects.toMatchObject({ code: "relay.aborted" });
}

describe("a request that waits", () => {
  test("goes on with a yes, and says who allowed it and why", async () => {
    using stand = new ApprovalStand();
    const waiting = stand.desk.ask(aSubject(), anAsk(), staying);
    vi.advanceTimersByTime(1_500);
    expect(stand.desk.decide(stand.lastId, yes, "user:ann")).toEqual({ result: "done", outcome: "allowed", by: "user:ann" });
    expect(await waiting).toMatchObject({ outcome: "allowed", by: "user:ann", reason: "agreed with Ann", scope: "once", waitedMs: 1_500 });
    expect(stand.events).toEqual(["asked c1.1", "allowed c1.1 by user:ann"]);
  });

  test("ends with a no", async () => {
    using stand = new ApprovalStand();
    const waiting = stand.desk.ask(aSubject(), anAsk(), staying);
    stand.desk.decide(stand.lastId, no, "user:ann");
    expect(await waiting).toMatchObject({ outcome: "denied", by: "user:ann", reason: "not today", scope: null });
  });

  test("ends when its time is over, and not before", async () => {
    using stand = new ApprovalStand();
    const waiting = stand.desk.ask(aSubject(), anAsk({ timeoutMs: 60_000 }), staying);
    vi.advanceTimersByTime(59_999);
    expect(stand.desk.list().questions).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(await waiting).toMatchObject({ outcome: "expired", by: null, waitedMs: 60_000 });
    expect(stand.desk.list().questions).toEqual([]);
  });

  test("fails, rather than expires, where nobody could be reached", async () => {
    using stand = new ApprovalStand();
    const waiting = stand.desk.ask(aSubject(), anAsk({ timeoutMs: 60_000 }), staying);
    stand.reachesPeople = false;
    vi.advanceTimersByTime(60_000);
    await expect(waiting).rejects.toMatchObject({ code: "approval.unavailable" });
  });

  test("is told when the proxy stops, and nobody is asked after that", async () => {
    using stand = new ApprovalStand();
    const waiting = stand.desk.ask(aSubject(), anAsk(), staying);
    stand.desk.close(new EgressError("draining", "stopping"));
    await expect(waiting).rejects.toMatchObject({ code: "draining" });
    await expect(stand.desk.ask(aSubject(), anAsk(), staying)).rejects.toMatchObject({ code: "draining" });
    expect(stand.events.at(-1)).toBe("withdrawn c1.1");
  });
});

describe("who answers", () => {
  test("the first of two people decides; the second learns who was first", async () => {
    using stand = new ApprovalStand();
    const waiting = stand.desk.ask(aSubject(), anAsk(), staying);
    const id = stand.lastId;
    stand.desk.decide(id, no, "user:ann");
    expect(stand.desk.decide(id, yes, "user:max")).toEqual({ result: "late", outcome: "denied", by: "user:ann" });
    expect(await waiting).toMatchObject({ outcome: "denied" });
  });

  test("a scope that policy does not offer decides nothing", () => {
    using stand = new ApprovalStand();
    void stand.desk.ask(aSubject(), anAsk({ scopes: ["once"] }), staying);
    expect(stand.desk.decide(stand.lastId, forThread, "user:ann").result).toBe("unfit");
    expect(stand.desk.list().questions).toHaveLength(1);
  });

  test("an id that nobody was given decides nothing", () => {
    using stand = new ApprovalStand();
    void stand.desk.ask(aSubject(), anAsk(), staying);
    expect(stand.desk.decide("apr-00000000000000000000000000", yes, "user:ann").result).toBe("unknown");
  });
});

describe("what came of an answer", () => {
  test.each([[true, "went-on"], [false, "refused"]] as const)("is known once the request has said so: %s is %s", async (goesOn, delivery) => {
    using stand = new ApprovalStand();
    const waiting = stand.desk.ask(aSubject(), anAsk(), staying);
    const id = stand.lastId;
    stand.desk.decide(id, yes, "user:ann");
    const came = stand.desk.deliveryOf(id);
    stand.desk.tellBack(await waiting, goesOn);
    expect([await came, stand.events.at(-1)]).toEqual([delivery, `allowed and ${delivery}`]);
  });

  test("is a refusal at once with a no, and the next try's where the client had left", async () => {
    using stand = new ApprovalStand();
    const waiting = stand.desk.ask(aSubject(), anAsk(), staying);
    const refused = stand.lastId;
    stand.desk.decide(refused, no, "user:ann");
    await waiting;
    await abandoned(stand);
    const left = stand.lastId;
    stand.desk.decide(left, yes, "user:ann");
    expect([await stand.desk.deliveryOf(refused), await stand.desk.deliveryOf(left)]).toEqual(["refused", "client-left"]);
  });

  test("is told of each request that a yes for the thread lets through, once, and never by one that waited for nobody", async () => {
    using stand = new ApprovalStand();
    const waiting = [stand.desk.ask(aSubject({ id: "c1.1" }), anAsk(), staying), stand.desk.ask(aSubject({ id: "c2.1", fingerprint: "f2" }), anAsk(), staying)];
    const ids = stand.desk.list().questions.map(({ id }) => id);
    stand.desk.decide(stand.lastId, forThread, "user:ann");
    for (const answer of await Promise.all(waiting)) for (const goesOn of [true, false]) stand.desk.tellBack(answer, goesOn);
    stand.desk.tellBack(await stand.desk.ask(aSubject({ fingerprint: "f3" }), anAsk(), staying), false);
    expect(await Promise.all(ids.map(async (id) => stand.desk.deliveryOf(id)))).toEqual(["went-on", "went-on"]);
    expect(stand.events.filter((event) => event.includes(" and "))).toHaveLength(2);
  });

  test("is nothing where nobody answered in time, nor for an id that nobody was given", async () => {
    using stand = new ApprovalStand();
    const waiting = stand.desk.ask(aSubject(), anAsk({ timeoutMs: 1_000 }), staying);
    const id = stand.lastId;
    vi.advanceTimersByTime(1_000);
    await waiting;
    expect([await stand.desk.deliveryOf(id), await stand.desk.deliveryOf("apr-00000000000000000000000000")]).toEqual([null, null]);
  });
});

describe("two requests that are the same", () => {
  test("are two questions: once lets one of them through", async () => {
    using stand = new ApprovalStand();
    const first = stand.desk.ask(aSubject({ id: "c1.1" }), anAsk(), staying);
    void stand.desk.ask(aSubject({ id: "c2.1" }), anAsk(), staying);
    expect(stand.desk.list().questions.map(({ requestId }) => requestId)).toEqual(["c1.1", "c2.1"]);
    stand.desk.decide(stand.desk.list().questions[0]?.id ?? "", yes, "user:ann");
    expect(await first).toMatchObject({ outcome: "allowed" });
    expect(stand.desk.list().questions.map(({ requestId }) => requestId)).toEqual(["c2.1"]);
  });

  test("go on together with a yes for the thread", async () => {
    using stand = new ApprovalStand();
    const waiting = [stand.desk.ask(aSubject({ id: "c1.1" }), anAsk(), staying), stand.desk.ask(aSubject({ id: "c2.1", fingerprint: "f2" }), anAsk(), staying)];
    stand.desk.decide(stand.lastId, forThread, "user:ann");
    expect((await Promise.all(waiting)).map(({ outcome, scope }) => [outcome, scope])).toEqual([["allowed", "thread"], ["allowed", "thread"]]);
  });
});

describe("a client that gave up", () => {
  test("finds the yes with its next try, once", async () => {
    using stand = new ApprovalStand();
    await abandoned(stand);
    expect(stand.desk.list().questions[0]?.isWaiting).toBe(false);
    stand.desk.decide(stand.lastId, yes, "user:ann");
    expect(await stand.desk.ask(aSubject({ id: "c2.1" }), anAsk(), staying)).toMatchObject({ outcome: "allowed", by: "user:ann", waitedMs: 0 });
    void stand.desk.ask(aSubject({ id: "c3.1" }), anAsk(), staying);
    expect(stand.desk.list().questions.map(({ requestId }) => requestId)).toEqual(["c3.1"]);
  });

  test("finds the no with its next try", async () => {
    using stand = new ApprovalStand();
    await abandoned(stand);
    stand.desk.decide(stand.lastId, no, "user:ann");
    expect(await stand.desk.ask(aSubject({ id: "c2.1" }), anAsk(), staying)).toMatchObject({ outcome: "denied" });
  });

  test("waits on at the same question with its next try", async () => {
    using stand = new ApprovalStand();
    await abandoned(stand);
    const id = stand.lastId;
    const waiting = stand.desk.ask(aSubject({ id: "c2.1" }), anAsk(), staying);
    expect(stand.desk.list().questions).toHaveLength(1);
    stand.desk.decide(id, yes, "user:ann");
    expect(await waiting).toMatchObject({ outcome: "allowed" });
  });

  test("has ten minutes for it, and no more", async () => {
    using stand = new ApprovalStand();
    await abandoned(stand);
    stand.desk.decide(stand.lastId, yes, "user:ann");
    vi.advanceTimersByTime(600_000);
    void stand.desk.ask(aSubject({ id: "c2.1" }), anAsk(), staying);
    expect(stand.desk.list().questions.map(({ requestId }) => requestId)).toEqual(["c2.1"]);
  });

  test("does not find it for another request", async () => {
    using stand = new ApprovalStand();
    await abandoned(stand);
    stand.desk.decide(stand.lastId, yes, "user:ann");
    void stand.desk.ask(aSubject({ id: "c2.1", fingerprint: "f2" }), anAsk(), staying);
    expect(stand.desk.list().questions.map(({ requestId }) => requestId)).toEqual(["c2.1"]);
  });

  test("is offered no `once` where what it sends was not read: its next try could send anything", async () => {
    using stand = new ApprovalStand();
    await abandoned(stand, { isWhole: false });
    expect(stand.desk.list().questions[0]?.scopes).toEqual(["thread"]);
    expect(stand.desk.decide(stand.lastId, yes, "user:ann").result).toBe("unfit");
  });

  test("takes its question along where no answer could be of use", async () => {
    using stand = new ApprovalStand();
    const client = new AbortController();
    const waiting = stand.desk.ask(aSubject({ isWhole: false }), anAsk({ scopes: ["once"] }), client.signal);
    client.abort(new EgressError("relay.aborted", "gone"));
    await expect(waiting).rejects.toMatchObject({ code: "relay.aborted" });
    expect(stand.desk.list().questions).toEqual([]);
    expect(stand.events.at(-1)).toBe("withdrawn c1.1");
  });
});

describe("a yes for a thread", () => {
  test("covers the same rule for the same thread without asking, and neither another rule nor another thread", async () => {
    using stand = new ApprovalStand();
    void stand.desk.ask(aSubject(), anAsk(), staying);
    stand.desk.decide(stand.lastId, forThread, "user:ann");
    expect(await stand.desk.ask(aSubject({ fingerprint: "f9" }), anAsk(), staying)).toMatchObject({ outcome: "allowed", scope: "thread", waitedMs: 0 });
    const { agent } = aSubject();
    expect(stand.desk.covers({ agent }, "billing.charge")).toBe(true);
    expect(stand.desk.covers({ agent }, "billing.refund")).toBe(false);
    expect(stand.desk.covers({ agent: { ...agent, thread: "t2" } }, "billing.charge")).toBe(false);
    expect(stand.desk.covers({ agent: { ...agent, name: "other" } }, "billing.charge")).toBe(false);
    expect(stand.desk.covers({ agent: { ...agent, namespace: "other" } }, "billing.charge")).toBe(false);
  });

  test("is not used where policy now asks for each request", () => {
    using stand = new ApprovalStand();
    void stand.desk.ask(aSubject(), anAsk(), staying);
    stand.desk.decide(stand.lastId, forThread, "user:ann");
    void stand.desk.ask(aSubject({ id: "c2.1" }), anAsk({ scopes: ["once"] }), staying);
    expect(stand.desk.list().questions.map(({ requestId }) => requestId)).toEqual(["c2.1"]);
  });

  test("outlives a restart, and ends with its time", () => {
    using stand = new ApprovalStand({ threadApprovalMs: 60_000 });
    void stand.desk.ask(aSubject(), anAsk(), staying);
    stand.desk.decide(stand.lastId, forThread, "user:ann");
    const restarted = new ApprovalStand({}, stand.directory);
    expect(restarted.desk.covers(aSubject(), "billing.charge")).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(restarted.desk.covers(aSubject(), "billing.charge")).toBe(false);
  });

  test("is taken back at once, also from the disk", () => {
    using stand = new ApprovalStand();
    void stand.desk.ask(aSubject(), anAsk(), staying);
    stand.desk.decide(stand.lastId, forThread, "user:ann");
    const id = stand.desk.list().threads[0]?.id ?? "";
    expect(stand.desk.revoke(id, "user:max", "a mistake")).toBe(true);
    expect(stand.desk.revoke(id, "user:max", "a mistake")).toBe(false);
    expect(stand.desk.covers(aSubject(), "billing.charge")).toBe(false);
    expect(new ApprovalStand({}, stand.directory).desk.list().threads).toEqual([]);
    expect(stand.events.at(-1)).toBe("revoked billing.charge by user:max");
  });
});

describe("a flood of questions", () => {
  test("is refused at the agent's limit, and drops none that waits", async () => {
    using stand = new ApprovalStand({ maxOpenPerAgent: 2 });
    for (const id of ["c1.1", "c2.1"]) void stand.desk.ask(aSubject({ id, fingerprint: id }), anAsk(), staying);
    await expect(stand.desk.ask(aSubject({ id: "c3.1", fingerprint: "c3" }), anAsk(), staying)).rejects.toMatchObject({ code: "approval.unavailable" });
    const other = aSubject({ id: "c4.1", agent: { ...aSubject().agent, name: "quiet" } });
    void stand.desk.ask(other, anAsk(), staying);
    expect(stand.desk.list().questions.map(({ requestId }) => requestId)).toEqual(["c1.1", "c2.1", "c4.1"]);
  });

  test("of clients that have left keeps nobody out: the oldest goes for whoever waits", async () => {
    using stand = new ApprovalStand({ maxOpen: 2 });
    for (const fingerprint of ["f1", "f2"]) await abandoned(stand, { id: fingerprint, fingerprint });
    const other = aSubject({ id: "c9.1", fingerprint: "f9", agent: { ...aSubject().agent, namespace: "other" } });
    void stand.desk.ask(other, anAsk(), staying);
    expect(stand.desk.list().questions.map(({ requestId }) => requestId)).toEqual(["f2", "c9.1"]);
    expect(stand.events).toContain("withdrawn f1");
  });

  test("of one namespace leaves room for another", async () => {
    using stand = new ApprovalStand({ maxOpenPerNamespace: 1 });
    void stand.desk.ask(aSubject(), anAsk(), staying);
    const agent = { ...aSubject().agent, name: "quiet" };
    await expect(stand.desk.ask(aSubject({ agent, fingerprint: "f2" }), anAsk(), staying)).rejects.toMatchObject({ code: "approval.unavailable" });
    void stand.desk.ask(aSubject({ id: "c9.1", agent: { ...agent, namespace: "other" } }), anAsk(), staying);
    expect(stand.desk.list().questions).toHaveLength(2);
  });

  test("of an agent that asks and leaves ends at its rate", async () => {
    using stand = new ApprovalStand({ maxAskedPerMinute: 2 });
    for (const fingerprint of ["f1", "f2"]) await abandoned(stand, { id: fingerprint, fingerprint });
    await expect(stand.desk.ask(aSubject({ fingerprint: "f3" }), anAsk(), staying)).rejects.toMatchObject({ code: "approval.unavailable" });
    vi.advanceTimersByTime(30_000);
    void stand.desk.ask(aSubject({ fingerprint: "f3" }), anAsk(), staying);
    expect(stand.desk.list().questions).toHaveLength(3);
  });

  test("of one client that tries again with a body that nobody read is one question", async () => {
    using stand = new ApprovalStand();
    for (let at = 0; at < 30; at += 1) await abandoned(stand, { id: `c${at}.1`, isWhole: false });
    expect(stand.desk.list().questions).toHaveLength(1);
  });

  test("is refused at the limit of all", async () => {
    using stand = new ApprovalStand({ maxOpen: 1 });
    void stand.desk.ask(aSubject(), anAsk(), staying);
    const other = aSubject({ agent: { ...aSubject().agent, name: "quiet" } });
    await expect(stand.desk.ask(other, anAsk(), staying)).rejects.toMatchObject({ code: "approval.unavailable" });
  });
});
