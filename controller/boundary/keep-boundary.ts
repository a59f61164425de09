import { setTimeout as sleep } from "node:timers/promises";
import type { BoundarySet } from "../../common/boundary-set.ts";
import type { Clock } from "../../common/clock.ts";
import { KubeError, type Informer, type KubeApi } from "../../common/kube/kube-api.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { Opa, Pack } from "../../proxy/operator.ts";
import { saysAlready, statusApplication } from "../resources/status.ts";
import { shippedPacks } from "./base-packs.ts";
import { SpecChanges } from "./changes.ts";
import { compileBoundary, type CompiledBoundary, type Compiler } from "./compile-boundary.ts";
import type { BoundaryConfig } from "./config.ts";
import { planBoundary } from "./plan.ts";
import { publishBoundary, readPublished } from "./publish.ts";
import { RegoBuilder } from "./build.ts";
import { RegoChecks } from "./rego-checks.ts";
import { readResources, type BoundaryInformers, type BoundaryResources } from "./resources.ts";
import { wantedStatuses, type Publication, type WantedStatus } from "./statuses.ts";

export interface BoundaryDeps {
  /** Fenced: of two controllers only the leader's writes get through. */
  readonly api: KubeApi;
  readonly informers: BoundaryInformers;
  readonly config: BoundaryConfig;
  /** Compiler for the Rego of EgressPolicies; null: policies of data alone work, others are not accepted. */
  readonly opa: Opa | null;
  readonly log: Log;
  readonly clock: Clock;
  /** Where the ConfigMap is: the installation's own namespace. */
  readonly namespace: string;
  /** Where `weir.internal` leads: address (never a name) and port of the controller's service; null without one. */
  readonly platform: BoundarySet["platform"];
  /** Packs that policies can take up, by name; absent: none. */
  readonly packs?: ReadonlyMap<string, Pack>;
}

/** Statuses that are written at a time: the API server serves others, too. */
const STATUS_WRITES = 4;
/** After a failed pass, in milliseconds; doubled up to the resync interval. */
const FIRST_RETRY_MS = 1_000;

/** Sums of what was done, for logs and metrics. */
export interface PassReport {
  readonly revision: string | null;
  readonly wasPublished: boolean;
  readonly statusWrites: number;
  /** False if the compiler has not looked at everything yet. */
  readonly isComplete: boolean;
}

/**
 * Keeps the boundary of the cluster what its resources say, until the signal aborts: after each change, debounced, one pass at a time, and now and then
 * without any. Only the leader runs it. Never rejects for what the API server or the compiler says: it is logged and tried again.
 */
export async function keepBoundary(deps: BoundaryDeps, signal: AbortSignal): Promise<void> {
  const keeper = new BoundaryKeeper({ packs: await shippedPacks(), ...deps });
  const informers: readonly Informer[] = Object.values(deps.informers);
  const changes = new SpecChanges(informers);
  try {
    await Promise.all(informers.map(async (informer) => informer.synced(signal)));
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      changes.forget();
      const isDone = await attempt(keeper, deps.log, signal);
      retryMs = isDone ? FIRST_RETRY_MS : Math.min(retryMs * 2, deps.config.resyncIntervalMs);
      await changes.next(isDone ? deps.config.resyncIntervalMs : retryMs, signal);
      await sleep(deps.config.debounceMs, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    changes.close();
  }
}

/** @returns true if nothing is left to do */
async function attempt(keeper: BoundaryKeeper, log: Log, signal: AbortSignal): Promise<boolean> {
  try {
    const report = await keeper.pass(signal);
    if (report.wasPublished || report.statusWrites > 0) log.info("boundary.kept", { ...report });
    return report.isComplete;
  } catch (error) {
    if (!signal.aborted) log.warn("boundary.failed", { error: describeError(error) });
    return false;
  }
}

/** One look at the cluster and what follows from it. */
export class BoundaryKeeper {
  readonly #deps: BoundaryDeps;
  readonly #compiler: Compiler;

  constructor(deps: BoundaryDeps) {
    this.#deps = deps;
    const { opa, config, platform, packs } = deps;
    this.#compiler = { checks: new RegoChecks(opa), builder: new RegoBuilder(opa), settings: { config, platform, ...(packs === undefined ? {} : { packs }) } };
  }

  /** Compiles, publishes if it is something new, and says of each resource what became of it. @throws Error if something has to be tried again */
  async pass(signal: AbortSignal): Promise<PassReport> {
    const { api, namespace, informers } = this.#deps;
    const before = await readPublished(api, namespace, signal);
    const resources = readResources(informers);
    const compiled = await compileBoundary(resources, this.#compiler, signal).catch((error: unknown) => ({ error }));
    if ("error" in compiled) {
      signal.throwIfAborted();
      await this.#sayFailed(resources, compiled.error, signal);
      throw new Error("the boundary could not be compiled; the last one stays in force", { cause: compiled.error });
    }
    const wasPublished = await publishBoundary(api, compiled.packed, { namespace, before }, signal);
    const statusWrites = await this.#say(compiled.resources, compiled, { isPublished: true, revision: compiled.packed.bundleRevision }, signal);
    return { revision: compiled.packed.revision, wasPublished, statusWrites, isComplete: compiled.isComplete };
  }

  /** What is wrong with single resources is still told; none of them is in the boundary in its present form. */
  async #sayFailed(resources: BoundaryResources, error: unknown, signal: AbortSignal): Promise<void> {
    const excluded = new Map();
    const { verdicts: rego } = await this.#compiler.checks.verdicts(resources.policies, excluded, signal);
    const plan = planBoundary(resources, { rego, excluded }, this.#compiler.settings);
    await this.#say(resources, { plan }, { isPublished: false, reason: "CompileFailed", message: describeError(error) }, signal);
  }

  async #say(resources: BoundaryResources, { plan }: Pick<CompiledBoundary, "plan">, publication: Publication, signal: AbortSignal): Promise<number> {
    const all = wantedStatuses(resources, plan, { publication, nowMs: this.#deps.clock.nowMs() });
    const wanted = all.filter(({ object, fields }) => !saysAlready(object, fields));
    const queue = wanted.values();
    const refusals: KubeError[] = [];
    await Promise.all(Array.from({ length: STATUS_WRITES }, async () => {
      for (const status of queue) await this.#write(status, signal).catch((error: unknown) => { refusals.push(answered(error)); });
    }));
    if (refusals[0] !== undefined) throw refusals[0];
    return wanted.length;
  }

  /** An object that went away meanwhile needs no status; one that took its place is looked at in the next pass. */
  async #write({ type, object, fields }: WantedStatus, signal: AbortSignal): Promise<void> {
    const { object: status, options } = statusApplication(type, object, { owner: "boundary", fields });
    try {
      await this.#deps.api.apply(type, status, options, signal);
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 404) throw error;
    }
  }
}

/** What the API server answers about one object (too large for it, say) is no reason to leave the others without their status. @throws everything else */
function answered(error: unknown): KubeError {
  if (error instanceof KubeError && error.status !== 0) return error;
  throw error;
}
