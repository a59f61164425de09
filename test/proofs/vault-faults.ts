import { setTimeout as pause } from "node:timers/promises";
import { readEnvironment } from "../../common/config.ts";
import { obtainOpenBao } from "../../tools/openbao.ts";
import { openFaultStage, type FaultStage } from "../support/fault-stage.ts";
import { seeded, type ProofOptions, type ProofResult } from "../support/proof.ts";
import { eventually } from "../support/whole-proxy.ts";
import { CredentialTruth } from "./vault-faults/credential-truth.ts";
import { TROUBLES } from "./vault-faults/store-faults.ts";

/** Short, so that renewals and ends of leases fall into the faults. */
const LEASE_SECONDS = 3;
const RECOVERY_LIMIT_MS = 20_000;
/** Requests of each kind that are on their way at a time. */
const AT_ONCE = 2;

/**
 * Requests go through a proxy without a pause while its real secret store is sealed, killed, slow, busy, refusing, or takes back what it gave. Each
 * request that reaches the destination shows a credential that the store, not the proxy, says is valid; and each fault heals without a restart.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const stage = await openFaultStage(await obtainOpenBao(readEnvironment()), LEASE_SECONDS);
  const truth = new CredentialTruth(LEASE_SECONDS * 1_000);
  const stop = new AbortController();
  const watching = truth.watch(stage.lab, stop.signal);
  const traffic = new Traffic(stage);
  try {
    await truth.rotate(stage.lab);
    const going = traffic.run(stop.signal);
    going.catch(() => undefined);
    const problems: string[] = [];
    const random = seeded(seed);
    const order = shuffled(quick ? TROUBLES : Array.from({ length: 6 }, () => TROUBLES).flat(), random);
    let slowestMs = 0;
    for (const trouble of order) {
      await trouble.begin(stage.lab, truth);
      const holdMs = 300 + random() * 1_500;
      await pause(holdMs);
      await trouble.end?.(stage.lab, truth);
      const tookMs = await traffic.recovered().catch((error: unknown) => {
        problems.push(`after "${trouble.name}": ${(error as Error).message}`);
        return RECOVERY_LIMIT_MS;
      });
      slowestMs = Math.max(slowestMs, tookMs);
      print(`  ${trouble.name}, for ${Math.round(holdMs)} ms: requests succeed again after ${Math.round(tookMs)} ms`);
    }
    stop.abort();
    await Promise.all([going, watching]);
    const { shown } = stage.upstream;
    const invalid = shown.flatMap((request) => truth.judge(request) ?? []);
    problems.push(...new Set(invalid), ...traffic.problems);
    if (traffic.refused === 0) problems.push("nothing was ever refused: the faults did not reach the proxy");
    for (const problem of problems.slice(0, 20)) print(`  FAIL ${problem}`);
    return {
      holds: problems.length === 0,
      figure: `${order.length} faults, ${shown.length} requests sent, ${invalid.length} without a valid credential, ${traffic.refused} refused; healed within ${Math.round(slowestMs)} ms, 0 restarts`,
    };
  } finally {
    stop.abort();
    await stage.close();
  }
}

/** Agents that ask and ask. */
class Traffic {
  readonly problems: string[] = [];
  readonly #stage: FaultStage;
  readonly #succeeded = { kv: 0, db: 0 };
  #refused = 0;

  constructor(stage: FaultStage) {
    this.#stage = stage;
  }

  get refused(): number {
    return this.#refused;
  }

  async run(signal: AbortSignal): Promise<void> {
    const ask = async (which: "kv" | "db") => {
      while (!signal.aborted) {
        const { status, body } = await this.#stage.ask(which);
        if (status === 200) this.#succeeded[which] += 1;
        else this.#noteRefusal(status, body);
      }
    };
    await Promise.all((["kv", "db"] as const).flatMap((which) => Array.from({ length: AT_ONCE }, async () => ask(which))));
  }

  /** Waits until requests of both kinds have succeeded three times from now on. @returns how long that took, in milliseconds */
  async recovered(): Promise<number> {
    const startedMs = performance.now();
    const before = { ...this.#succeeded };
    await eventually("both kinds of requests succeed", () => this.#succeeded.kv >= before.kv + 3 && this.#succeeded.db >= before.db + 3, RECOVERY_LIMIT_MS);
    return performance.now() - startedMs;
  }

  #noteRefusal(status: number, body: string): void {
    this.#refused += 1;
    const isExpected = status === 503 && body.includes('"credential.unavailable"');
    if (!isExpected && this.problems.length < 10) this.problems.push(`an agent was told ${status} ${body.slice(0, 200)}`);
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items.map((item) => ({ item, at: random() })).toSorted((one, other) => one.at - other.at).map(({ item }) => item);
}
