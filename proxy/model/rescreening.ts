import { setImmediate as nextTurn } from "node:timers/promises";
import type { Reconsiderable } from "./live.ts";

/** Members that are asked at the same time: in all, and of one agent. More would wait for each other in the queue of policy, and then be refused there. */
const AT_ONCE = 32;
const AT_ONCE_OF_AGENT = 4;

/**
 * Asks members to reconsider themselves, a few at a time, agents in turns: whoever holds thousands of streams keeps neither the streams of others waiting, nor
 * requests that come meanwhile. A member that is due already keeps its place, and is asked once.
 */
export class Rescreening {
  /** By agent, in the order of their turns. */
  readonly #due = new Map<string, Set<Reconsiderable>>();
  readonly #asked = new Map<string, number>();
  #workers = 0;
  #over = Promise.withResolvers<void>();

  /** Resolves when nobody is due any more, those included who became so meanwhile. A member that throws has ended itself. */
  async ask(members: readonly Reconsiderable[]): Promise<void> {
    for (const member of members) this.#add(member);
    if (this.#workers === 0) this.#over = Promise.withResolvers();
    const { promise } = this.#over;
    for (let missing = AT_ONCE - this.#workers; missing > 0; missing -= 1) void this.#work();
    return promise;
  }

  /** For a member that is over. */
  forget(member: Reconsiderable): void {
    const due = this.#due.get(keyOf(member));
    if (due?.delete(member) === true && due.size === 0) this.#due.delete(keyOf(member));
  }

  #add(member: Reconsiderable): void {
    const key = keyOf(member);
    const due = this.#due.get(key) ?? new Set();
    due.add(member);
    this.#due.set(key, due);
  }

  async #work(): Promise<void> {
    this.#workers += 1;
    for (let next = this.#take(); next !== null; next = this.#take()) {
      const key = keyOf(next);
      this.#asked.set(key, this.#askedOf(key) + 1);
      await Promise.allSettled([next.reconsider()]);
      if (this.#askedOf(key) > 1) this.#asked.set(key, this.#askedOf(key) - 1);
      else this.#asked.delete(key);
      // Answers may be there at once, and thousands of them in a row would hold up everybody.
      await nextTurn();
    }
    this.#workers -= 1;
    if (this.#workers === 0) this.#over.resolve();
  }

  /** The next member whose agent is not asked enough already; those that are have somebody who goes on with them. */
  #take(): Reconsiderable | null {
    for (const [key, due] of this.#due) {
      const [first] = due;
      if (first === undefined || this.#askedOf(key) >= AT_ONCE_OF_AGENT) continue;
      due.delete(first);
      this.#due.delete(key);
      if (due.size > 0) this.#due.set(key, due);
      return first;
    }
    return null;
  }

  #askedOf(key: string): number {
    return this.#asked.get(key) ?? 0;
  }
}

/** Of those who are not known yet there is one more. */
function keyOf({ agent }: Reconsiderable): string {
  return agent === null ? "" : `${agent.namespace}/${agent.name}`;
}
