import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { approvalId, threadApprovalView, type ThreadApprovalView } from "../../common/approvals/views.ts";
import type { Clock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { AgentIdentity } from "../model/agent.ts";

export interface ThreadApprovalsContext {
  /** Folder of the files, one for each approval; made if it is missing. */
  readonly directory: string;
  readonly limit: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * What people have allowed for threads, on the disk before it holds, so that a restart keeps it. One file for each, because several proxies share
 * a state directory. A file that cannot be understood approves nothing.
 */
export class ThreadApprovals {
  readonly #context: ThreadApprovalsContext;
  readonly #held = new Map<string, ThreadApprovalView>();

  constructor(context: ThreadApprovalsContext) {
    this.#context = context;
    mkdirSync(context.directory, { recursive: true, mode: 0o700 });
    chmodSync(context.directory, 0o700);
    for (const name of readdirSync(context.directory)) this.#load(name);
    this.forgetExpired();
  }

  /** @returns the approval that covers this agent's thread under this rule now */
  find(agent: Pick<AgentIdentity, "namespace" | "name" | "thread">, rule: string): ThreadApprovalView | null {
    const nowMs = this.#context.clock.nowMs();
    for (const one of this.#held.values()) {
      if (one.rule === rule && one.thread === agent.thread && one.agent === agent.name && one.namespace === agent.namespace && one.expiresAtMs > nowMs) return one;
    }
    return null;
  }

  get(id: string): ThreadApprovalView | null {
    return this.#held.get(id) ?? null;
  }

  list(): readonly ThreadApprovalView[] {
    this.forgetExpired();
    return [...this.#held.values()];
  }

  /** @throws Error if there are too many, or it cannot be written */
  add(approval: ThreadApprovalView): void {
    this.forgetExpired();
    if (this.#held.size >= this.#context.limit) throw new Error(`there are ${this.#held.size} thread approvals already; revoke some`);
    const path = this.#pathOf(approval.id);
    writeDurably(path, JSON.stringify(approval));
    this.#held.set(approval.id, approval);
  }

  /** It is gone from memory whatever the disk says. @returns whether it was there */
  remove(id: string): boolean {
    const wasHeld = this.#held.delete(id);
    if (!wasHeld) return false;
    const path = this.#pathOf(id);
    if (existsSync(path)) unlinkSync(path);
    return true;
  }

  forgetExpired(): void {
    const nowMs = this.#context.clock.nowMs();
    for (const { id, expiresAtMs } of [...this.#held.values()]) {
      if (expiresAtMs <= nowMs) this.remove(id);
    }
  }

  #load(name: string): void {
    const id = name.replace(/\.json$/, "");
    if (!name.endsWith(".json") || !approvalId.safeParse(id).success) return;
    try {
      const approval = threadApprovalView.parse(JSON.parse(readFileSync(this.#pathOf(id), "utf8")));
      if (approval.id === id && this.#held.size < this.#context.limit) this.#held.set(id, approval);
    } catch (error) {
      this.#context.log.warn("approvals.unreadable", { file: name, error: describeError(error) });
    }
  }

  #pathOf(id: string): string {
    return join(this.#context.directory, `${id}.json`);
  }
}

/** Whole or not at all, and there after a power cut. */
function writeDurably(path: string, text: string): void {
  const draft = `${path}.new`;
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, path);
  const folder = openSync(join(path, ".."), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
