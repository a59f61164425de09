import type { Clock } from "../../common/clock.ts";
import type { Environment } from "../../common/config.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import { isUnfit } from "./bundles/unfit.ts";
import type { PolicyConfig } from "./config.ts";
import { openEvaluator, openHeldEvaluator } from "./open-evaluator.ts";
import { openFirst, takeUp, type InForce } from "./open-first.ts";
import type { Answers, PolicyEngine, PolicyInput, Question } from "./policy-engine.ts";
import type { Offer, PolicySource } from "./policy-source.ts";
import { PolicyStanding, type PolicyEvent, type PolicyState } from "./policy-standing.ts";
import { Program, type ProgramOptions } from "./program.ts";
import { heldSource, openSource, readHeld, type HeldBundle } from "./source.ts";

export type { PolicyEvent } from "./policy-standing.ts";

export interface EngineContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly environment: Environment;
  /** Where it is remembered which revision was the highest, and the last good bundle of a server; without it neither is. */
  readonly stateDirectory?: string;
  readonly onEvent?: (event: PolicyEvent) => void;
  /** If given, the policy is what is handed over by `adopt`, and what the configuration says of its place does not count. */
  readonly held?: () => HeldBundle | null;
  /** Where policies are evaluated, if not where the engine is; a shadow has a thread of its own. */
  readonly openEvaluator?: NonNullable<ProgramOptions["openEvaluator"]>;
}

/** What an engine is made of. */
interface Parts {
  readonly source: PolicySource;
  readonly standing: PolicyStanding;
  readonly open: (offer: Offer) => Promise<Program>;
  readonly memoryLimitBytes: number;
}

/** Answers by the policy that was loaded last and was fit. */
export class ReloadingPolicyEngine implements PolicyEngine {
  readonly #parts: Parts;
  readonly #context: EngineContext;
  readonly #listeners = new Set<() => void>();
  /** Replaced as a whole, so that one decision never sees two. */
  #inForce: InForce;
  #loading: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(parts: Parts, context: EngineContext, first: InForce) {
    this.#parts = parts;
    this.#context = context;
    this.#inForce = first;
  }

  /** Loads the configured policy. @throws UserError that says how to mend it: a boundary does not start without its policy */
  static async open(config: PolicyConfig, context: EngineContext): Promise<ReloadingPolicyEngine> {
    const source = context.held === undefined ? openSource(config, context) : heldSource(context.held, config.memoryLimitBytes);
    const standing = new PolicyStanding(source, context);
    const options = {
      source: source.name, limits: config, clock: context.clock,
      openEvaluator: context.openEvaluator ?? (context.held === undefined ? openEvaluator : openHeldEvaluator),
    };
    const open = async (offer: Offer) => Program.open(offer.bundle, options);
    return new ReloadingPolicyEngine({ source, standing, open, memoryLimitBytes: config.memoryLimitBytes }, context, await openFirst(source, standing, open));
  }

  get revision(): string {
    return this.#inForce.program.revision;
  }

  /** How it stands with the policy, for metrics. */
  get state(): PolicyState {
    return this.#parts.standing.state;
  }

  async decide<Q extends Question>(question: Q, input: PolicyInput, signal: AbortSignal): Promise<Answers[Q]> {
    signal.throwIfAborted();
    return this.#inForce.program.decide(question, input);
  }

  async decideAll<Q extends Question>(question: Q, parts: readonly PolicyInput[], signal: AbortSignal): Promise<readonly Answers[Q][]> {
    signal.throwIfAborted();
    return this.#inForce.program.decideAll(question, parts);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  /** Loads the policy again, whatever was thought of it before; one that is not fit is reported and the last good one stays in force. Never throws. */
  reload(): Promise<void> {
    this.#parts.source.forget?.();
    return this.#reload(new AbortController().signal);
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

  /** Loads whenever the source may have something new, until the signal aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.source.changed(signal);
      if (!signal.aborted) await this.#reload(signal);
    }
  }

  /** Gives back what the policy in force holds, after what it was asked is answered; one that is loaded all the same is given back at once. Never throws. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#give(this.#inForce.program);
  }

  #reload(signal: AbortSignal): Promise<void> {
    this.#loading = this.#loading.then(() => this.#load(signal));
    return this.#loading;
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { source, standing } = this.#parts;
    try {
      const offer = await source.load(signal);
      // A revision is what people call it; two may be called the same.
      if (offer !== null && offer.digest !== this.#inForce.digest) this.#replace(offer, await takeUp(offer, async (next) => this.#openNext(next)));
      source.settled?.("done");
      standing.answered(offer !== null);
    } catch (error) {
      source.settled?.(isUnfit(error) ? "done" : "again");
      if (!signal.aborted) standing.failed(error, this.revision);
    }
  }

  async #openNext(offer: Offer): Promise<Program> {
    const program = await this.#parts.open(offer);
    await program.follow(this.#inForce.program);
    return program;
  }

  async #adopt(held: HeldBundle, together: () => void): Promise<void> {
    const offer = await readHeld(held, this.#parts.memoryLimitBytes);
    this.#replace(offer, await this.#openNext(offer), together);
  }

  /** In one turn, with what has to change at the same time. What the one before was asked it still answers. */
  #replace(offer: Offer, program: Program, together: () => void = () => undefined): void {
    const before = this.#inForce.program;
    this.#inForce = { program, digest: offer.digest };
    for (const unneeded of this.#isClosed ? [before, program] : [before]) void this.#give(unneeded);
    together();
    this.#parts.standing.loaded(offer);
    for (const listener of [...this.#listeners]) listener();
  }

  async #give(program: Program): Promise<void> {
    try {
      await program.close();
    } catch (error) {
      this.#context.log.warn("policy.unclosed", { error: describeError(error) });
    }
  }
}
