import type { Clock } from "../../common/clock.ts";
import { METERS, type Amounts } from "../../common/meters.ts";
import type { Activity, Lack } from "../model/activity.ts";
import type { AgentIdentity } from "../model/agent.ts";

/** What the controller is told of one instance. */
export interface ActiveInstance {
  readonly podUid: string;
  readonly namespace: string;
  /** Of the pod. */
  readonly name: string;
  /** Wall clock, milliseconds. */
  readonly lastActivityMs: number;
  /** The budget that stopped it last; null: none does, as far as is known. */
  readonly exhausted: Omit<Lack, "amounts"> | null;
}

interface Seen {
  readonly namespace: string;
  readonly name: string;
  lastActivityMs: number;
  lack: Lack | null;
  open: number;
  /** Whether something happened since it was last told. */
  isNews: boolean;
}

/** Notes when each pod was last active; a container with an identity of its own keeps its pod awake like the agent beside it. */
export class InstanceActivity implements Activity {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  touch(agent: AgentIdentity): void {
    const seen = this.#of(agent);
    if (seen === null) return;
    seen.lastActivityMs = this.#clock.nowMs();
    seen.isNews = true;
  }

  begin(agent: AgentIdentity): () => void {
    const seen = this.#of(agent);
    if (seen === null) return () => {};
    this.touch(agent);
    seen.open += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      seen.open -= 1;
      seen.lastActivityMs = this.#clock.nowMs();
      seen.isNews = true;
    };
  }

  exhausted(agent: AgentIdentity, lack: Lack): void {
    const seen = this.#of(agent);
    if (seen === null) return;
    seen.lack = lack;
    seen.isNews = true;
  }

  afforded(agent: AgentIdentity, amounts: Amounts): void {
    const seen = this.#of(agent);
    if (seen === null || seen.lack === null || !covers(amounts, seen.lack.amounts)) return;
    seen.lack = null;
    seen.isNews = true;
  }

  /**
   * Those that were active since the last call, or are busy now. They count as told; {@link notTold} takes that back.
   * @param lives what is known of other pods is dropped
   */
  news(lives: (podUid: string) => boolean): ActiveInstance[] {
    const news: ActiveInstance[] = [];
    for (const [podUid, seen] of this.#seen) {
      if (!lives(podUid)) {
        this.#seen.delete(podUid);
        continue;
      }
      if (seen.open > 0) seen.lastActivityMs = this.#clock.nowMs();
      if (!seen.isNews && seen.open === 0) continue;
      seen.isNews = false;
      news.push({ podUid, namespace: seen.namespace, name: seen.name, lastActivityMs: seen.lastActivityMs, exhausted: toldOf(seen.lack) });
    }
    return news;
  }

  /** The controller did not hear it: the next report says it again, or something newer. */
  notTold(instances: readonly ActiveInstance[]): void {
    for (const { podUid } of instances) {
      const seen = this.#seen.get(podUid);
      if (seen !== undefined) seen.isNews = true;
    }
  }

  /** @returns null for an agent that is no pod's */
  #of({ namespace, pod, instance }: AgentIdentity): Seen | null {
    if (pod === undefined) return null;
    const uid = instance.split("/", 1)[0] ?? instance;
    let seen = this.#seen.get(uid);
    if (seen === undefined) this.#seen.set(uid, seen = { namespace, name: pod, lastActivityMs: 0, lack: null, open: 0, isNews: false });
    return seen;
  }
}

/** True if all that could not be paid for then was paid for now: an exchange of another kind says nothing of what a budget of money lacks. */
function covers(amounts: Amounts, then: Amounts): boolean {
  return METERS.every((meter) => (then[meter] ?? 0n) === 0n || (amounts[meter] ?? 0n) > 0n);
}

/** As the controller takes it. */
const REASON_LIMIT = 1_000;

function toldOf(lack: Lack | null): ActiveInstance["exhausted"] {
  return lack === null ? null : { budget: lack.budget, reason: lack.reason.slice(0, REASON_LIMIT), opensAtMs: lack.opensAtMs };
}
