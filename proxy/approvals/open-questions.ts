import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import type { Ask } from "../model/decision.ts";
import type { ApprovalSubject } from "./approvals.ts";
import type { ApprovalsConfig } from "./config.ts";
import type { Question } from "./question.ts";

/** The questions that nobody has answered yet, in the order in which they came, with one timer for all of their deadlines. */
export class OpenQuestions {
  readonly #clock: Clock;
  readonly #limits: Pick<ApprovalsConfig, "maxOpen" | "maxOpenPerAgent">;
  readonly #onLate: (question: Question) => void;
  readonly #open = new Map<string, Question>();
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, limits: Pick<ApprovalsConfig, "maxOpen" | "maxOpenPerAgent">, onLate: (question: Question) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onLate = onLate;
  }

  all(): readonly Question[] {
    return [...this.#open.values()];
  }

  get(id: string): Question | null {
    return this.#open.get(id) ?? null;
  }

  /** Whose client gave up waiting, of the same request: its next try goes on where it left. */
  orphanOf({ fingerprint, isWhole }: ApprovalSubject): Question | null {
    if (!isWhole) return null;
    return this.all().find(({ waiter, subject }) => waiter === null && subject.isWhole && subject.fingerprint === fingerprint) ?? null;
  }

  /** @throws EgressError `approval.unavailable` if too many are open: the new one goes, so that a flood cannot drop what somebody waits for */
  add(id: string, subject: ApprovalSubject, ask: Ask): Question {
    const { maxOpen, maxOpenPerAgent } = this.#limits;
    const ofAgent = this.all().filter(({ subject: { agent } }) => agent.namespace === subject.agent.namespace && agent.name === subject.agent.name).length;
    if (this.#open.size >= maxOpen || ofAgent >= maxOpenPerAgent) {
      throw new EgressError("approval.unavailable", `${this.#open.size} questions are open, ${ofAgent} of them of this agent`);
    }
    const askedAtMs = this.#clock.nowMs();
    const question: Question = {
      id, subject, ask, askedAtMs, expiresAtMs: askedAtMs + ask.timeoutMs, deadlineMs: this.#clock.monotonicMs() + ask.timeoutMs, waiter: null,
    };
    this.#open.set(id, question);
    this.#wake();
    return question;
  }

  /** @returns whether it was there */
  remove(id: string): boolean {
    const wasOpen = this.#open.delete(id);
    if (this.#open.size === 0) this.close();
    return wasOpen;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Looks at the clock when the next deadline is due. */
  #wake(): void {
    clearTimeout(this.#timer);
    if (this.#open.size === 0) return;
    const next = Math.min(...this.all().map(({ deadlineMs }) => deadlineMs));
    this.#timer = setTimeout(() => { this.#look(); }, Math.max(0, Math.ceil(next - this.#clock.monotonicMs())));
    this.#timer.unref();
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const question of this.all()) if (question.deadlineMs <= nowMs) this.#onLate(question);
    this.#wake();
  }
}
