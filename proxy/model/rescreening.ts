import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../common/clock.ts";
import type { Reconsiderable } from "./live.ts";

/** Members that are asked at the same time, of one namespace and of one agent. More would wait for each other in the queue of policy, and be refused there. */
const AT_ONCE = 8;
const AT_ONCE_OF_AGENT = 4;
/** Who was due for so long and could not be asked, because policy takes long about others of the namespace, is ended unasked, in milliseconds. */
const OVERDUE_MS = 5_000;

export interface RescreeningOptions {
  readonly clock: Clock;
  /** Why a member is ended that could not be asked in time. */
  readonly overdue: () => Error;
}

/**
 * Asks members to reconsider themselves, a few at a time: agents in turns, and namespaces beside each other. Whoever holds thousands of streams, or slow
 * policies, keeps neither the streams of others waiting, nor requests that come meanwhile.
 */
export class Rescreening {
  readonly #options: RescreeningOptions;
  readonly #namespaces = new Map<string, OfNamespace>();

  constructor(options: RescreeningOptions) {
    this.#options = options;
  }

  /** Resolves when all have answered, those of the same namespaces included who became due meanwhile. A member that throws has ended itself. */
  async ask(members: readonly Reconsiderable[]): Promise<void> {
    const byNamespace = Map.groupBy(members, namespaceOf);
    await Promise.all([...byNamespace].map(async ([namespace, its]) => {
      const asking = this.#namespaces.get(namespace) ?? new OfNamespace(this.#options);
      this.#namespaces.set(namespace, asking);
      await asking.ask(its);
      if (asking.isIdle && this.#namespaces.get(namespace) === asking) this.#namespaces.delete(namespace);
    }));
  }

  /** For a member that is over. */
  forget(member: Reconsiderable): void {
    this.#namespaces.get(namespaceOf(member))?.forget(member);
  }
}

/** A member that is due already keeps its place, and is asked once. */
class OfNamespace {
  readonly #options: RescreeningOptions;
  /** By agent, in the order of their turns: who is due, and since when. */
  readonly #due = new Map<string, Map<Reconsiderable, number>>();
  readonly #asked = new Map<string, number>();
  #workers = 0;
  #over = Promise.withResolvers<void>();

  constructor(options: RescreeningOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#workers === 0;
  }

  async ask(members: readonly Reconsiderable[]): Promise<void> {
    for (const member of members) this.#add(member);
    if (this.isIdle) this.#over = Promise.withResolvers();
    const { promise } = this.#over;
    for (let missing = AT_ONCE - this.#workers; missing > 0; missing -= 1) void this.#work();
    return promise;
  }

  forget(member: Reconsiderable): void {
    const due = this.#due.get(agentOf(member));
    if (due?.delete(member) === true && due.size === 0) this.#due.delete(agentOf(member));
  }

  #add(member: Reconsiderable): void {
    const due = this.#due.get(agentOf(member)) ?? new Map<Reconsiderable, number>();
    if (!due.has(member)) due.set(member, this.#options.clock.monotonicMs());
    this.#due.set(agentOf(member), due);
  }

  async #work(): Promise<void> {
    this.#workers += 1;
    for (let next = this.#take(); next !== null; next = this.#take()) {
      const agent = agentOf(next.member);
      this.#asked.set(agent, this.#askedOf(agent) + 1);
      await this.#ask(next.member, next.sinceMs);
      if (this.#askedOf(agent) > 1) this.#asked.set(agent, this.#askedOf(agent) - 1);
      else this.#asked.delete(agent);
      // Answers may be there at once, and thousands of them in a row would hold up everybody.
      await nextTurn();
    }
    this.#workers -= 1;
    if (this.#workers === 0) this.#over.resolve();
  }

  async #ask(member: Reconsiderable, sinceMs: number): Promise<void> {
    if (this.#options.clock.monotonicMs() - sinceMs < OVERDUE_MS) await Promise.allSettled([member.reconsider()]);
    else member.end(this.#options.overdue());
  }

  /** The next member whose agent is not asked enough already; those that are have somebody who goes on with them. */
  #take(): { readonly member: Reconsiderable; readonly sinceMs: number } | null {
    for (const [agent, due] of this.#due) {
      const [first] = due;
      if (first === undefined || this.#askedOf(agent) >= AT_ONCE_OF_AGENT) continue;
      const [member, sinceMs] = first;
      due.delete(member);
      this.#due.delete(agent);
      if (due.size > 0) this.#due.set(agent, due);
      return { member, sinceMs };
    }
    return null;
  }

  #askedOf(agent: string): number {
    return this.#asked.get(agent) ?? 0;
  }
}

/** Of those who are not known yet there is one more. */
function namespaceOf({ agent }: Reconsiderable): string {
  return agent?.namespace ?? "";
}

function agentOf({ agent }: Reconsiderable): string {
  return agent?.name ?? "";
}
