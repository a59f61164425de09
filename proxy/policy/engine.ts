import { watch } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../common/clock.ts";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import { EgressError } from "../errors.ts";
import type { LifecycleRecord } from "../model/record.ts";
import { readDecision } from "./answer.ts";
import type { Bundle } from "./bundle.ts";
import type { PolicyConfig } from "./config.ts";
import { DecisionMemory } from "./decision-memory.ts";
import { openEvaluator } from "./open-evaluator.ts";
import type { Answers, PolicyEngine, PolicyInput, Question } from "./policy-engine.ts";
import { readDefaultBundle } from "./shipped-files.ts";
import { heldSource, openSource, readHeld, type HeldBundle, type PolicySource, type Watched } from "./source.ts";
import type { Evaluator } from "./wasm-policy.ts";

/** Time for a writer to finish after the first sign of a change; whoever is slower is noticed again by the next sign. */
const SETTLE_MS = 50;

/** A policy was put in force, or a new one was not fit and the last good one stays; for the audit. */
export type PolicyEvent = Pick<LifecycleRecord, "event" | "outcome" | "fields">;

export interface EngineContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly environment: Environment;
  readonly onEvent?: (event: PolicyEvent) => void;
  /** If given, the policy is what is handed over by `adopt`, and what the configuration says of its place does not count. */
  readonly held?: () => HeldBundle | null;
}

/** A policy in force. Replaced as a whole, so that one decision never sees two. */
interface Program {
  readonly revision: string;
  readonly evaluator: Evaluator;
  /** Null for a policy that may read more than the shipped library does. */
  readonly memory: DecisionMemory | null;
}

/** Answers by the policy that was loaded last and was fit. */
export class ReloadingPolicyEngine implements PolicyEngine {
  readonly #source: PolicySource;
  readonly #config: PolicyConfig;
  readonly #context: EngineContext;
  readonly #listeners = new Set<() => void>();
  #program: Program;
  #stamp: string;
  #loading: Promise<void> = Promise.resolve();

  private constructor(source: PolicySource, config: PolicyConfig, context: EngineContext, first: { program: Program; stamp: string }) {
    this.#source = source;
    this.#config = config;
    this.#context = context;
    this.#program = first.program;
    this.#stamp = first.stamp;
  }

  /** Loads the configured policy. @throws UserError that says how to mend it: a boundary does not start without its policy */
  static async open(config: PolicyConfig, context: EngineContext): Promise<ReloadingPolicyEngine> {
    const source = context.held === undefined ? openSource(config, context.environment) : heldSource(context.held);
    const stamp = await source.stamp();
    const engine = new ReloadingPolicyEngine(source, config, context, { program: await openProgram(await source.load(), source.name, config, context.clock), stamp });
    engine.#announceLoaded();
    return engine;
  }

  get revision(): string {
    return this.#program.revision;
  }

  async decide<Q extends Question>(question: Q, input: PolicyInput, signal: AbortSignal): Promise<Answers[Q]> {
    signal.throwIfAborted();
    const { evaluator, memory, revision } = this.#program;
    const key = memory?.keyOf(question, input) ?? null;
    const known = key === null ? undefined : memory?.recall<Q>(key);
    if (known !== undefined) return known;
    const decision = readDecision(question, await evaluator.evaluate(question, input), revision);
    if (decision.kind === "read" && input.read !== undefined) throw new EgressError("policy.unavailable", "the policy asks again for a body that was read");
    if (key !== null) memory?.keep(key, decision);
    return decision;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  /** Loads the policy again; a policy that is not fit is reported and the last good one stays in force. Never throws. */
  reload(): Promise<void> {
    this.#loading = this.#loading.then(() => this.#load());
    return this.#loading;
  }

  /**
   * Puts a bundle in force that was handed over.
   * @param together called in the same turn, before any decision by the new policy: what has to change with it; must not throw
   * @throws UserError if the bundle is not fit; nothing has changed then
   */
  adopt(bundle: HeldBundle, together: () => void): Promise<void> {
    const adopting = this.#loading.then(() => this.#adopt(bundle, together));
    this.#loading = adopting.catch(() => undefined);
    return adopting;
  }

  /** Reloads when the policy files change, until the signal aborts. The system's notices make it quick, polling makes it sure. */
  async watch(signal: AbortSignal): Promise<void> {
    const { watched } = this.#source;
    if (watched === null) return;
    while (!signal.aborted) {
      await changedOrElapsed(watched, this.#config.pollIntervalMs, signal);
      if (signal.aborted) return;
      const stamp = await this.#source.stamp().catch(describeError);
      if (stamp !== this.#stamp) await this.reload();
    }
  }

  async #load(): Promise<void> {
    try {
      // Taken before reading: what changes while it is read is read again.
      this.#stamp = await this.#source.stamp().catch(describeError);
      const program = await openProgram(await this.#source.load(), this.#source.name, this.#config, this.#context.clock);
      if (program.revision === this.#program.revision) return await program.evaluator.close?.();
      this.#replace(program);
    } catch (error) {
      this.#report({ event: "policy.refused", outcome: "failed", fields: { source: this.#source.name, error: describeError(error), kept: this.#program.revision } });
      return;
    }
    this.#announceChange();
  }

  async #adopt(bundle: HeldBundle, together: () => void): Promise<void> {
    const program = await openProgram(await readHeld(bundle), this.#source.name, this.#config, this.#context.clock);
    this.#replace(program);
    together();
    this.#announceChange();
  }

  /** What the one before was asked it still answers. */
  #replace(program: Program): void {
    const { evaluator } = this.#program;
    this.#program = program;
    evaluator.close?.().catch((error: unknown) => { this.#context.log.warn("policy.unclosed", { error: describeError(error) }); });
  }

  #announceChange(): void {
    this.#announceLoaded();
    for (const listener of [...this.#listeners]) listener();
  }

  #announceLoaded(): void {
    this.#report({ event: "policy.loaded", outcome: "succeeded", fields: { source: this.#source.name, revision: this.#program.revision } });
  }

  #report(event: PolicyEvent): void {
    this.#context.log[event.outcome === "failed" ? "error" : "info"](event.event, event.fields);
    this.#context.onEvent?.(event);
  }
}

async function openProgram(bundle: Bundle, name: string, config: PolicyConfig, clock: Clock): Promise<Program> {
  try {
    const evaluator = await openEvaluator(bundle, config, clock);
    return { revision: bundle.revision, evaluator, memory: await isShippedLibrary(bundle.wasm) ? new DecisionMemory() : null };
  } catch (cause) {
    throw new UserError(`cannot use the policy of ${name}: ${describeError(cause)}`, "Build it again, or raise policy.memoryLimitBytes if the data is large.", EXIT.config, { cause });
  }
}

/** An installation without the shipped bundle can still run a bundle of somebody's own. */
async function isShippedLibrary(wasm: Uint8Array): Promise<boolean> {
  const shipped = await readDefaultBundle().catch(() => null);
  return shipped !== null && Buffer.compare(shipped.wasm, wasm) === 0;
}

/** Resolves when something in the folder changed and had time to settle, when the interval is over, or when the signal aborts. */
async function changedOrElapsed({ folder, isDeep }: Watched, intervalMs: number, signal: AbortSignal): Promise<void> {
  const turn = new AbortController();
  const ended = AbortSignal.any([signal, turn.signal]);
  const changed = Promise.withResolvers<void>();
  try {
    const watcher = watch(folder, { recursive: isDeep, signal: ended }, () => { changed.resolve(); });
    watcher.on("error", () => undefined);
  } catch {
    // A folder that is gone for the moment cannot be watched; the interval finds it again.
  }
  const elapsed = sleep(intervalMs, undefined, { signal: ended });
  try {
    const wasChanged = await Promise.race([changed.promise.then(() => true), elapsed.then(() => false)]);
    if (wasChanged) await sleep(SETTLE_MS, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    turn.abort();
    await elapsed.catch(() => undefined);
  }
}
