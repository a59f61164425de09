import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../common/clock.ts";
import { silentLog } from "../../common/log.ts";
import type { ApprovalSubject } from "../../proxy/approvals/approvals.ts";
import { approvalsConfig, type ApprovalsConfig } from "../../proxy/approvals/config.ts";
import { ApprovalDesk } from "../../proxy/approvals/desk.ts";
import type { DeskListener } from "../../proxy/approvals/desk-listener.ts";
import { ThreadApprovals } from "../../proxy/approvals/thread-approvals.ts";
import type { Ask } from "../../proxy/model/decision.ts";

/** A question of policy: ten minutes, once or for the thread. */
export function anAsk(changes: Partial<Ask> = {}): Ask {
  const rule = changes.rule ?? "billing.charge";
  return {
    kind: "ask", rule, reason: "Charging a card needs a person.", hint: "Wait for the answer.", timeoutMs: 600_000, scopes: ["once", "thread"], revision: "r1",
    allow: { kind: "allow", rule, handling: "intercept", grants: [], budgets: [], obligations: {}, revision: "r1" }, ...changes,
  };
}

export function aSubject(changes: Partial<ApprovalSubject> = {}): ApprovalSubject {
  return {
    id: "c1.1", connectionId: "c1", question: "exchange", host: "billing.test", port: 443, method: "POST", path: "/charges", details: ["MCP: tools/call charge"],
    agent: { namespace: "ns", name: "shop", thread: "t1", instance: "i1", user: "ann", labels: {}, chain: [] },
    fingerprint: "f1", isWhole: true, ...changes,
  };
}

/** What a desk said to its listeners, in a word each. */
export interface Heard {
  readonly events: string[];
  readonly listener: DeskListener;
}

export function heard(): Heard {
  const events: string[] = [];
  return {
    events,
    listener: {
      asked: ({ requestId }) => { events.push(`asked ${requestId}`); },
      ended: ({ requestId }, { outcome, by }) => { events.push(`${outcome} ${requestId}${by === null ? "" : ` by ${by}`}`); },
      delivered: (_id, { outcome }, delivery) => { events.push(`${outcome} and ${delivery}`); },
      revoked: ({ rule }, by) => { events.push(`revoked ${rule} by ${by}`); },
    },
  };
}

/** A desk by the system's clock, which fake timers may hold; its folder goes at the end. */
export class ApprovalStand implements Disposable {
  readonly directory: string;
  readonly events: string[];
  readonly desk: ApprovalDesk;
  reachesPeople = true;

  constructor(config: Partial<ApprovalsConfig> = {}, directory: string = mkdtempSync(join(tmpdir(), "weir-approvals-"))) {
    this.directory = directory;
    const { events, listener } = heard();
    this.events = events;
    const settings = { ...approvalsConfig.parse({}), ...config };
    const threads = new ThreadApprovals({ directory, limit: settings.maxThreadApprovals, clock: systemClock, log: silentLog });
    this.desk = new ApprovalDesk({ config: settings, clock: systemClock, threads, listeners: [listener], reachesPeople: () => this.reachesPeople });
  }

  /** The id of the question that was asked last. */
  get lastId(): string {
    const id = this.desk.list().questions.at(-1)?.id;
    if (id === undefined) throw new Error("no question is open");
    return id;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The signal of a request that stays. */
export const staying = new AbortController().signal;
