import type { Clock } from "../../common/clock.ts";
import type { Environment } from "../../common/config.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { LifecycleRecord } from "../model/record.ts";
import type { Bundle } from "./bundle.ts";
import type { PolicyConfig } from "./config.ts";
import type { Answers, PolicyEngine, PolicyInput, Question } from "./policy-engine.ts";
import { Program } from "./program.ts";
import { heldSource, openSource, readHeld, type HeldBundle, type PolicySource } from "./source.ts";
import { changedOrElapsed } from "./watch-files.ts";

/** A policy was put in force, or a new one was not fit and the last good one stays; for the audit. */
export type PolicyEvent = Pick<LifecycleRecord, "event" | "outcome" | "fields">;

export interface EngineContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly environment: Environment;
  readonly onEvent?: (event: PolicyEvent) => void;
  /** If given, the policy is what is handed over by `adopt`, and what the configuration says of its place does not count. */
  readonly held?: () => HeldBundle | null;
  /** Where policies are evaluated, if not where the engine is; a shadow has a thread of its own. */
  readonly openEvaluator?: typeof openEvaluator;
}

/** Answers by the policy that was loaded last and was fit. */
export class ReloadingPolicyEngine implements PolicyEngine {
  readonly #source: PolicySource;
  readonly #config: PolicyConfig;
  readonly #context: EngineContext;
  readonly #listeners = new Set<() => void>();
  /** Replaced as a whole, so that one decision never sees two. */
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
    const engine = new ReloadingPolicyEngine(source, config, context, { program: await openProgram(await source.load(), source.name, { config, context }), stamp });
    engine.#announceLoaded();
    return engine;
  }

  get revision(): string {
    return this.#program.revision;
  }

  async decide<Q extends Question>(question: Q, input: PolicyInput, signal: AbortSignal): Promise<Answers[Q]> {
    signal.throwIfAborted();
    return this.#program.decide(question, input);
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
      const program = await this.#openProgram(await this.#source.load());
      if (program.revision === this.#program.revision) return await program.close();
      this.#replace(program);
    } catch (error) {
      this.#report({ event: "policy.refused", outcome: "failed", fields: { source: this.#source.name, error: describeError(error), kept: this.#program.revision } });
      return;
    }
    this.#announceChange();
  }

  async #adopt(bundle: HeldBundle, together: () => void): Promise<void> {
    const program = await this.#openProgram(await readHeld(bundle));
    this.#replace(program);
    together();
    this.#announceChange();
  }

  #openProgram(bundle: Bundle): Promise<Program> {
    return openProgram(bundle, this.#source.name, { config: this.#config, context: this.#context });
  }

  /** What the one before was asked it still answers. */
  #replace(program: Program): void {
    const before = this.#program;
    this.#program = program;
    before.close().catch((error: unknown) => { this.#context.log.warn("policy.unclosed", { error: describeError(error) }); });
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

function openProgram(bundle: Bundle, source: string, { config, context }: { readonly config: PolicyConfig; readonly context: EngineContext }): Promise<Program> {
  return Program.open(bundle, { source, limits: config, clock: context.clock });
}
