import { createHash } from "node:crypto";
import { qualifiedId } from "../../common/boundary-set.ts";
import { systemClock, type Clock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import { clusterSources, compileClusterRego, type Bundle, type Opa, type TenantPolicy } from "../../proxy/operator.ts";
import { refused, type Refused } from "./verdict.ts";

type Compile = (sources: ReadonlyMap<string, string>, opa: Opa | null, deadlineMs?: number) => Promise<Bundle["wasm"]>;

/** Time for the Rego of one namespace alone; more would take that of all others. */
const NAMESPACE_DEADLINE_MS = 20_000;
/** A failure to finish may have been the machine's: then the same text is tried again. */
const REMEMBERED_MS = 600_000;

/** Compiles Rego of all tenants together; the last result is kept, because most changes are of data alone. */
export class RegoBuilder {
  readonly #opa: Opa | null;
  readonly #compile: Compile;
  readonly #clock: Clock;
  #last: { readonly hash: string; readonly wasm: Bundle["wasm"] } | null = null;
  /** What was left out, by the hash of the sources that could not be built with it. */
  readonly #failed = new Map<string, { readonly untilMs: number; readonly culprits: ReadonlyMap<string, Refused> }>();

  constructor(opa: Opa | null, compile: Compile = compileClusterRego, clock: Clock = systemClock) {
    this.#opa = opa;
    this.#compile = compile;
    this.#clock = clock;
  }

  /** @throws Error with the compiler's messages */
  async build(policies: readonly TenantPolicy[]): Promise<Bundle["wasm"]> {
    const sources = clusterSources(policies);
    const hash = hashOf(policies);
    if (this.#last?.hash !== hash) this.#last = { hash, wasm: await this.#compile(sources, this.#opa) };
    return this.#last.wasm;
  }

  /** What was found to be in the way of these policies, or of some of them, not long ago; by policy id. Asks nobody. */
  knownCulprits(policies: readonly TenantPolicy[]): ReadonlyMap<string, Refused> {
    const nowMs = this.#clock.monotonicMs();
    for (const [hash, { untilMs }] of this.#failed) if (untilMs <= nowMs) this.#failed.delete(hash);
    return new Map([policies, ...byNamespace(policies)].flatMap((group) => [...this.#failed.get(hashOf(group))?.culprits ?? []]));
  }

  /**
   * Which policies to leave out so that the rest can be built: of each namespace that cannot be built alone those that are to blame; or, if each can, the
   * namespace that took longest. Each policy passed the check by itself, so this is rare.
   * @returns by policy id; empty if there is no Rego at all
   */
  async culprits(policies: readonly TenantPolicy[], whole: unknown): Promise<ReadonlyMap<string, Refused>> {
    const groups = byNamespace(policies);
    const tried: { readonly group: readonly TenantPolicy[]; readonly tookMs: number; readonly error: unknown }[] = [];
    for (const group of groups) tried.push({ group, ...await this.#try(group) });
    const failed = tried.filter(({ error }) => error !== null);
    for (const { group, error } of failed) this.#remember(group, await this.#toBlame(group, error));
    if (failed.length > 0) return this.knownCulprits(policies);
    const [slowest] = tried.toSorted((one, other) => other.tookMs - one.tookMs);
    if (slowest === undefined) return new Map();
    const message = `the Rego of the cluster cannot be built together, and this namespace's takes longest: ${describeError(whole)}`;
    this.#remember(policies, allOf(slowest.group, message));
    return this.knownCulprits(policies);
  }

  async #toBlame(group: readonly TenantPolicy[], error: unknown): Promise<ReadonlyMap<string, Refused>> {
    if (group.length === 1) return allOf(group, describeError(error));
    const found = new Map<string, Refused>();
    for (const policy of group) {
      const alone = await this.#try([policy]);
      if (alone.error !== null) found.set(idOf(policy), refused("BuildFailed", describeError(alone.error)));
    }
    return found.size > 0 ? found : allOf(group, `the Rego of this namespace cannot be built together: ${describeError(error)}`);
  }

  async #try(group: readonly TenantPolicy[]): Promise<{ readonly tookMs: number; readonly error: unknown }> {
    const begunMs = this.#clock.monotonicMs();
    const compiling = this.#compile(clusterSources(group), this.#opa, NAMESPACE_DEADLINE_MS);
    const error: unknown = await compiling.then(() => null, (reason: unknown) => reason ?? "failed");
    return { tookMs: this.#clock.monotonicMs() - begunMs, error };
  }

  #remember(group: readonly TenantPolicy[], culprits: ReadonlyMap<string, Refused>): void {
    this.#failed.set(hashOf(group), { untilMs: this.#clock.monotonicMs() + REMEMBERED_MS, culprits });
  }
}

const idOf = ({ namespace, name }: TenantPolicy): string => qualifiedId(namespace, name);

function allOf(group: readonly TenantPolicy[], message: string): ReadonlyMap<string, Refused> {
  return new Map(group.map((policy) => [idOf(policy), refused("BuildFailed", message)]));
}

/** Policies with Rego, namespace by namespace. */
function byNamespace(policies: readonly TenantPolicy[]): readonly (readonly TenantPolicy[])[] {
  const withRego = policies.filter(({ rego }) => rego.sources.size > 0);
  return [...Map.groupBy(withRego, ({ namespace }) => namespace).values()];
}

function hashOf(policies: readonly TenantPolicy[]): string {
  return createHash("sha256").update(JSON.stringify([...clusterSources(policies)])).digest("hex");
}
