import { systemClock } from "../../common/clock.ts";
import type { AgentIdentity } from "./agent.ts";
import { Places } from "./places.ts";
import { Rescreening, type RescreeningOptions } from "./rescreening.ts";

/**
 * Everything open that holds a permission: connections, long exchanges. When policy, a budget or an identity changes, each is asked to
 * reconsider itself, so that a long stream does not outlive its permission.
 */
export class LiveSet {
  readonly #members = new Places<Reconsiderable>();
  readonly #rescreening: Rescreening;

  constructor({ clock = systemClock, overdue = () => new Error("could not be asked again in time") }: Partial<RescreeningOptions> = {}) {
    this.#rescreening = new Rescreening({ clock, overdue });
  }

  get size(): number {
    return this.#members.size;
  }

  /** @returns a function that takes the member out; call it in `finally` */
  add(member: Reconsiderable): () => void {
    const remove = this.#members.add(member);
    return () => {
      remove();
      this.#rescreening.forget(member);
    };
  }

  /** Instances that hold something now. */
  get instances(): number {
    return new Set(this.#members.members().flatMap(({ agent }) => agent?.instance ?? [])).size;
  }

  /** Whose members are open now; once for each. */
  agents(): readonly AgentIdentity[] {
    return this.#members.members().flatMap(({ agent }) => agent ?? []);
  }

  /** Asks every member, a few of each namespace at a time; a member that throws has ended itself. Resolves when all have answered. */
  async reconsiderAll(): Promise<void> {
    await this.#rescreening.ask(this.#members.members());
  }

  /** Ends every member with the given reason. */
  endAll(reason: Error): void {
    for (const member of this.#members.members()) member.end(reason);
  }

  /** Ends what agents hold of whom this is true: an instance that is over, an agent that is no longer known. */
  endWhere(isMeant: (agent: AgentIdentity) => boolean, reason: Error): void {
    for (const member of this.#members.members()) {
      if (member.agent !== null && isMeant(member.agent)) member.end(reason);
    }
  }
}

export interface Reconsiderable {
  /** Whose permission it holds; null until that is known. */
  readonly agent: AgentIdentity | null;
  /** Asks policy again with today's input; ends itself (abort signal, stream reset) if the answer is no longer allow. */
  reconsider(): Promise<void>;
  end(reason: Error): void;
}
