import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import type { Ask } from "../model/decision.ts";
import type { ApprovalSubject } from "./approvals.ts";
import type { ApprovalsConfig } from "./config.ts";
import { AskRate } from "./ask-rate.ts";
import type { Question } from "./question.ts";

type OpenLimits = Pick<ApprovalsConfig, "maxOpen" | "maxOpenPerAgent" | "maxOpenPerNamespace" | "maxAskedPerMinute">;

/** What ends a question by itself: its time, or another that needs its room while nobody waits for it. Whoever is told removes it. */
interface Endings {
  readonly late: (question: Question) => void;
  readonly dropped: (question: Question) => void;
}

/** The questions that nobody has answered yet, in the order in which they came, with one timer for all of their deadlines. */
export class OpenQuestions {
  readonly #clock: Clock;
  readonly #limits: OpenLimits;
  readonly #rate: AskRate;
  readonly #on: Endings;
  readonly #open = new Map<string, Question>();
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, limits: OpenLimits, on: Endings) {
    this.#clock = clock;
    this.#limits = limits;
    this.#rate = new AskRate(clock, limits.maxAskedPerMinute);
    this.#on = on;
  }

  all(): readonly Question[] {
    return [...this.#open.values()];
  }

  get(id: string): Question | null {
    return this.#open.get(id) ?? null;
  }

  /** Whose client gave up waiting, of the same request as far as it was read: its next try goes on where it left. */
  orphanOf({ fingerprint, isWhole }: ApprovalSubject): Question | null {
    return this.all().find(({ waiter, subject }) => waiter === null && subject.isWhole === isWhole && subject.fingerprint === fingerprint) ?? null;
  }

  /**
   * What nobody waits for goes first where there is no room, the oldest of the agent before the oldest of its namespace and of all.
   * @throws EgressError `approval.unavailable` if too many are waited for: the new one goes, so that a flood cannot drop what somebody waits for
   */
  add(id: string, subject: ApprovalSubject, ask: Ask): Question {
    const { maxOpen, maxOpenPerAgent, maxOpenPerNamespace } = this.#limits;
    const { namespace, name } = subject.agent;
    const isOfNamespace = ({ subject: { agent } }: Question) => agent.namespace === namespace;
    this.#makeRoom((question) => isOfNamespace(question) && question.subject.agent.name === name, maxOpenPerAgent, "of this agent");
    this.#makeRoom(isOfNamespace, maxOpenPerNamespace, "of this namespace");
    this.#makeRoom(() => true, maxOpen, "of all");
    if (!this.#rate.take(`${namespace}/${name}`)) throw new EgressError("approval.unavailable", "the agent asks too often");
    const askedAtMs = this.#clock.nowMs();
    const question: Question = {
      id, subject, ask, askedAtMs, expiresAtMs: askedAtMs + ask.timeoutMs, deadlineMs: this.#clock.monotonicMs() + ask.timeoutMs, waiter: null,
    };
    this.#open.set(id, question);
    this.#wake();
    return question;
  }

  #makeRoom(isMeant: (question: Question) => boolean, most: number, whose: string): void {
    const open = this.all().filter(isMeant);
    if (open.length < most) return;
    const orphan = open.find(({ waiter }) => waiter === null);
    if (orphan === undefined) throw new EgressError("approval.unavailable", `${open.length} questions ${whose} are waited for`);
    this.#on.dropped(orphan);
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
    for (const question of this.all()) if (question.deadlineMs <= nowMs) this.#on.late(question);
    this.#wake();
  }
}
