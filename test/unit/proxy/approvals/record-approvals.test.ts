import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { silentLog } from "../../../../common/log.ts";
import { approvalsConfig } from "../../../../proxy/approvals/config.ts";
import { ApprovalDesk } from "../../../../proxy/approvals/desk.ts";
import { recordApprovals } from "../../../../proxy/approvals/record-approvals.ts";
import { ThreadApprovals } from "../../../../proxy/approvals/thread-approvals.ts";
import { EgressError } from "../../../../proxy/errors.ts";
import type { LifecycleRecord } from "../../../../proxy/model/record.ts";
import { anAsk, aSubject, staying } from "../../../support/approval-stand.ts";

type Recorded = Pick<LifecycleRecord, "event" | "fields">;

const OF_SUBJECT = { agent: "shop", namespace: "ns", thread: "t1", instance: "i1", question: "exchange", request: "c1.1", host: "billing.test", port: 443, method: "POST", path: "/charges", rule: "billing.charge" };
let directory: string;
let records: Recorded[];
let desk: ApprovalDesk;
beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  directory = mkdtempSync(join(tmpdir(), "weir-approval-records-"));
  records = [];
  const config = approvalsConfig.parse({ threadApprovalMs: 3_600_000 });
  const threads = new ThreadApprovals({ directory, limit: 10, clock: systemClock, log: silentLog });
  desk = new ApprovalDesk({ config, clock: systemClock, threads, listeners: [recordApprovals(({ event, fields }) => { records.push({ event, fields }); })], reachesPeople: () => true });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true });
});

const ask = (changes: Parameters<typeof aSubject>[0] = {}, signal = staying) => {
  desk.ask(aSubject(changes), anAsk({ timeoutMs: 60_000 }), signal).catch(() => undefined);
  return desk.list().questions.at(-1)?.id ?? "";
};

describe("each way that a question goes is on record, with who and why", () => {
  test("a question, and a yes for once", () => {
    const id = ask();
    desk.decide(id, { decision: "allow", scope: "once", reason: "agreed" }, "user:ann");
    expect(records).toEqual([
      { event: "approval.asked", fields: { approval: id, ...OF_SUBJECT, reason: "Charging a card needs a person." } },
      { event: "approval.allowed", fields: { approval: id, ...OF_SUBJECT, by: "user:ann", reason: "agreed", scope: "once" } },
    ]);
  });

  test("a no", () => {
    const id = ask();
    desk.decide(id, { decision: "deny", reason: "not today" }, "user:ann");
    expect(records.at(-1)).toEqual({ event: "approval.denied", fields: { approval: id, ...OF_SUBJECT, by: "user:ann", reason: "not today" } });
  });

  test("a yes for the thread with its end, what it let through besides, and its revocation", () => {
    const first = ask();
    const second = ask({ id: "c2.1", fingerprint: "f2" });
    desk.decide(first, { decision: "allow", scope: "thread", reason: "" }, "user:ann");
    desk.revoke(first, "user:max", "over");
    const allowed = { ...OF_SUBJECT, by: "user:ann", reason: "", scope: "thread", until: "2026-01-01T01:00:00.000Z" };
    expect(records.slice(2)).toEqual([
      { event: "approval.allowed", fields: { approval: first, ...allowed } },
      { event: "approval.allowed", fields: { approval: second, ...allowed, request: "c2.1", because_of: first } },
      { event: "approval.revoked", fields: { approval: first, agent: "shop", namespace: "ns", thread: "t1", rule: "billing.charge", allowed_by: "user:ann", by: "user:max", reason: "over" } },
    ]);
  });

  test("nobody in time, with nobody named", () => {
    const id = ask();
    vi.advanceTimersByTime(60_000);
    expect(records.at(-1)).toEqual({ event: "approval.expired", fields: { approval: id, ...OF_SUBJECT, reason: "" } });
  });

  test.each<[string, string, (id: string, client: AbortController) => void]>([
    ["nobody could be asked", "nobody can be asked", (id) => { desk.giveUp(id); }],
    ["the proxy stops", "the proxy stops", () => { desk.close(new EgressError("draining", "stopping")); }],
    ["the client left, and no answer could be of use", "the client has gone", (_id, client) => { client.abort(new EgressError("relay.aborted", "gone")); }],
  ])("a question that is withdrawn because %s", (_, reason, end) => {
    const client = new AbortController();
    desk.ask(aSubject({ isWhole: false }), anAsk({ scopes: ["once"] }), client.signal).catch(() => undefined);
    const id = desk.list().questions[0]?.id ?? "";
    end(id, client);
    expect(records.at(-1)).toEqual({ event: "approval.withdrawn", fields: { approval: id, ...OF_SUBJECT, reason } });
  });

  test("what came too late, and what was given again, is on no record: it decided nothing", () => {
    const id = ask();
    desk.decide(id, { decision: "deny", reason: "" }, "user:ann");
    const before = records.length;
    desk.decide(id, { decision: "allow", scope: "thread", reason: "" }, "user:eve");
    desk.revoke(id, "user:eve", "");
    expect(records).toHaveLength(before);
  });
});
