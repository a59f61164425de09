import { systemClock, type Clock } from "../../common/clock.ts";
import { readEnvironment } from "../../common/config.ts";
import { silentLog } from "../../common/log.ts";
import type { Decision } from "../../proxy/model/decision.ts";
import type { PolicyConfig } from "../../proxy/policy/config.ts";
import { ReloadingPolicyEngine, type PolicyEvent } from "../../proxy/policy/engine.ts";
import type { PolicyEngine, PolicyInput, Question } from "../../proxy/policy/policy-engine.ts";

/** An engine as the proxy opens it, silent, with its events gathered in `events`. */
export function anEngine(config: PolicyConfig, options: { readonly events?: PolicyEvent[]; readonly clock?: Clock } = {}): Promise<ReloadingPolicyEngine> {
  return ReloadingPolicyEngine.open(config, {
    log: silentLog, clock: options.clock ?? systemClock, environment: readEnvironment(), onEvent: (event) => { options.events?.push(event); },
  });
}

export function asks(engine: PolicyEngine, question: Question, input: PolicyInput): Promise<Decision> {
  return engine.decide(question, input, new AbortController().signal);
}
