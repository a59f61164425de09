import type { Clock } from "../../common/clock.ts";
import type { Environment } from "../../common/config.ts";
import type { PolicyConfig } from "./config.ts";
import { ReloadingPolicyEngine, type EngineContext, type PolicyEvent } from "./engine.ts";
import { Shadow, type ShadowContext } from "./shadow.ts";
import { ThreadedPolicy } from "./threaded-policy.ts";
import { compileProgram } from "./wasm-policy.ts";

export interface OpenShadowContext extends ShadowContext {
  readonly clock: Clock;
  readonly environment: Environment;
  readonly onEvent?: (event: PolicyEvent) => void;
}

export interface RunningShadow extends Pick<Shadow, "ask"> {
  /** Waits for what was asked, then ends the threads. */
  close(): Promise<void>;
  /** Loads the policy again when its files change, until the signal aborts. */
  watch(signal: AbortSignal): Promise<void>;
}

/**
 * Opens the shadow: loaded and reloaded like the policy in force, evaluated in a thread of its own. Its life-cycle events are called `shadow.loaded` and
 * `shadow.refused`.
 * @throws UserError if it cannot be loaded at the start
 */
export async function openShadow(config: NonNullable<PolicyConfig["shadow"]>, context: OpenShadowContext): Promise<RunningShadow> {
  const { log, clock, environment, onEvent } = context;
  const engine = await ReloadingPolicyEngine.open(config, {
    log, clock, environment, onEvent: (event) => onEvent?.({ ...event, event: event.event.replace(/^policy\./, "shadow.") }), openEvaluator: openThreads,
  });
  const shadow = new Shadow(engine, context);
  return {
    ask: shadow.ask.bind(shadow), watch: engine.watch.bind(engine),
    close: async () => {
      await shadow.close();
      await engine.close();
    },
  };
}

/** Never where requests are served, not even the library: what nobody asked for must cost nobody's time. */
const openThreads: NonNullable<EngineContext["openEvaluator"]> = async (bundle, { deadlineMs, memoryLimitBytes, threads = 2 }, clock) =>
  ThreadedPolicy.open({ program: await compileProgram(bundle), limits: { deadlineMs, memoryLimitBytes } }, { threads, clock });
