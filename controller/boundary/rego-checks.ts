import { createHash } from "node:crypto";
import { systemClock, type Clock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import { checkTenant, type Opa, type RegoProblem, type TenantRego } from "../../proxy/operator.ts";
import type { EgressPolicy } from "../resources/egress-policy.ts";
import { policyId, type Excluded, type RegoVerdicts } from "./policies.ts";
import type { BoundaryResources } from "./resources.ts";

type Checked = TenantRego | readonly RegoProblem[];
type Check = (tenant: { readonly namespace: string; readonly name: string; readonly rego: Readonly<Record<string, string>> }, opa: Opa) => Promise<Checked>;

/** What is known of one text. */
interface Known {
  readonly hash: string;
  readonly checked: Checked;
  /** When the compiler is asked about the same text again, because it did not finish. */
  readonly againAtMs: number;
  /** How often it did not finish, in a row. */
  readonly unfinished: number;
}

/** What one pass found out. */
export interface CheckedRego {
  readonly verdicts: RegoVerdicts;
  /** False if some text was put off for the next pass. */
  readonly isComplete: boolean;
}

/** Text that takes the compiler longer is not of the usual kind, in milliseconds. */
const SLOW_MS = 2_000;
/** Time that the slow texts of one namespace may take in one pass, in milliseconds: who has some waits for everybody else, not the other way round. */
const SLOW_SHARE_MS = 6_000;
/** A text that did not finish is asked about again after this, doubled each time up to the last: it may have been the machine's fault. */
const AGAIN_AFTER_MS = 30_000;
const LONGEST_AGAIN_MS = 600_000;

const NO_COMPILER: readonly RegoProblem[] = [{ file: "rego", message: "this installation has no compiler for Rego (WEIR_OPA)" }];
const PUT_OFF: readonly RegoProblem[] = [{ file: "rego", message: "waits for the compiler: others of this namespace took it for long" }];

/** What the compiler says of each policy by itself; asked once for each text, because it is a process. */
export class RegoChecks {
  readonly #opa: Opa | null;
  readonly #check: Check;
  readonly #clock: Clock;
  #known = new Map<string, Known>();

  constructor(opa: Opa | null, check: Check = checkTenant, clock: Clock = systemClock) {
    this.#opa = opa;
    this.#check = check;
    this.#clock = clock;
  }

  /** Verdicts on all policies with Rego that are not excluded; what is gone is forgotten. */
  async verdicts(policies: BoundaryResources["policies"], excluded: Excluded, signal: AbortSignal): Promise<CheckedRego> {
    const next = new Map<string, Known>();
    const slowMs = new Map<string, number>();
    const putOff: string[] = [];
    for (const policy of policies) {
      const id = policyId(policy);
      if (!policy.reading.isReadable || excluded.has(id) || Object.keys(policy.reading.resource.spec.rego).length === 0) continue;
      signal.throwIfAborted();
      const { namespace } = policy.reading.resource.metadata;
      const known = this.#recall(id, policy.reading.resource);
      if (known === null && (slowMs.get(namespace) ?? 0) >= SLOW_SHARE_MS) {
        putOff.push(id);
        continue;
      }
      const begunMs = this.#clock.monotonicMs();
      next.set(id, known ?? await this.#ask(policy.reading.resource, this.#known.get(id)));
      const tookMs = this.#clock.monotonicMs() - begunMs;
      if (tookMs > SLOW_MS) slowMs.set(namespace, (slowMs.get(namespace) ?? 0) + tookMs);
    }
    this.#known = next;
    const found = [...next].map(([id, { checked }]) => [id, checked] as const);
    return { verdicts: new Map([...found, ...putOff.map((id) => [id, PUT_OFF] as const)]), isComplete: putOff.length === 0 };
  }

  #recall(id: string, { spec }: EgressPolicy): Known | null {
    const known = this.#known.get(id);
    return known?.hash === hashOf(spec.rego) && this.#clock.monotonicMs() < known.againAtMs ? known : null;
  }

  async #ask({ metadata: { namespace, name }, spec: { rego } }: EgressPolicy, before: Known | undefined): Promise<Known> {
    const hash = hashOf(rego);
    if (this.#opa === null) return { hash, checked: NO_COMPILER, againAtMs: Infinity, unfinished: 0 };
    try {
      return { hash, checked: await this.#check({ namespace, name, rego }, this.#opa), againAtMs: Infinity, unfinished: 0 };
    } catch (error) {
      const message = `could not be compiled: ${describeError(error)}`.slice(0, 1_024);
      const unfinished = before?.hash === hash ? before.unfinished + 1 : 1;
      const pauseMs = Math.min(AGAIN_AFTER_MS * 2 ** (unfinished - 1), LONGEST_AGAIN_MS);
      return { hash, checked: [{ file: "rego", message }], againAtMs: this.#clock.monotonicMs() + pauseMs, unfinished };
    }
  }
}

function hashOf(rego: Readonly<Record<string, string>>): string {
  return createHash("sha256").update(JSON.stringify(Object.entries(rego).sort(([a], [b]) => (a < b ? -1 : 1)))).digest("hex");
}
