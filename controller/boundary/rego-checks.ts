import { createHash } from "node:crypto";
import { describeError } from "../../common/lifecycle.ts";
import { checkTenant, type Opa, type RegoProblem, type TenantRego } from "../../proxy/operator.ts";
import { policyId, type Excluded, type RegoVerdicts } from "./policies.ts";
import type { BoundaryResources } from "./resources.ts";

type Checked = TenantRego | readonly RegoProblem[];
type Check = (tenant: { readonly namespace: string; readonly name: string; readonly rego: Readonly<Record<string, string>> }, opa: Opa) => Promise<Checked>;

const NO_COMPILER: readonly RegoProblem[] = [{ file: "rego", message: "this installation has no compiler for Rego (WEIR_OPA)" }];

/** What the compiler says of each policy by itself; asked once for each text, because it is a process. */
export class RegoChecks {
  readonly #opa: Opa | null;
  readonly #check: Check;
  #known = new Map<string, { readonly hash: string; readonly checked: Checked }>();

  constructor(opa: Opa | null, check: Check = checkTenant) {
    this.#opa = opa;
    this.#check = check;
  }

  /** Verdicts on all policies with Rego that are not excluded; what is gone is forgotten. */
  async verdicts(policies: BoundaryResources["policies"], excluded: Excluded, signal: AbortSignal): Promise<RegoVerdicts> {
    const next = new Map<string, { readonly hash: string; readonly checked: Checked }>();
    const verdicts = new Map<string, Checked>();
    for (const policy of policies) {
      const id = policyId(policy);
      if (!policy.reading.isReadable || excluded.has(id)) continue;
      const { spec: { rego }, metadata: { namespace, name } } = policy.reading.resource;
      if (Object.keys(rego).length === 0) continue;
      signal.throwIfAborted();
      const hash = hashOf(rego);
      const known = this.#known.get(id);
      const fresh = known?.hash === hash ? known : await this.#ask({ namespace, name, rego }, hash);
      verdicts.set(id, fresh.checked);
      if (fresh.hash !== "") next.set(id, fresh);
    }
    this.#known = next;
    return verdicts;
  }

  /** A compiler that did not finish is asked again next time: that is no property of the text alone. */
  async #ask(tenant: Parameters<Check>[0], hash: string): Promise<{ readonly hash: string; readonly checked: Checked }> {
    if (this.#opa === null) return { hash: "", checked: NO_COMPILER };
    try {
      return { hash, checked: await this.#check(tenant, this.#opa) };
    } catch (error) {
      return { hash: "", checked: [{ file: "rego", message: `could not be compiled: ${describeError(error)}`.slice(0, 1_024) }] };
    }
  }
}

function hashOf(rego: Readonly<Record<string, string>>): string {
  return createHash("sha256").update(JSON.stringify(Object.entries(rego).sort(([a], [b]) => (a < b ? -1 : 1)))).digest("hex");
}
