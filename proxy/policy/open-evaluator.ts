import * as z from "zod";
import type { Clock } from "../../common/clock.ts";
import type { Bundle } from "./bundle.ts";
import { headCost } from "./head-cost.ts";
import type { PolicyInput } from "./policy-engine.ts";
import { isShippedLibrary } from "./shipped-files.ts";
import { ThreadedPolicy } from "./threaded-policy.ts";
import { compileProgram, WasmPolicy, type Evaluator, type WasmLimits } from "./wasm-policy.ts";

/** What the data of a cluster's bundle say of who wrote Rego. */
const clusterData = z.looseObject({
  egress: z.looseObject({
    cluster: z.looseObject({ holders: z.record(z.string(), z.record(z.string(), z.array(z.string()))), programs: z.array(z.string()).default([]) }),
  }),
});

export interface EvaluatorLimits extends WasmLimits {
  /** Threads that evaluate what may take long at the same time; default two. */
  readonly threads?: number;
}

type EvaluatedBundle = Pick<Bundle, "wasm" | "data">;

/**
 * Opens a policy, whoever made it. What the library that comes with Weir decides by a head is evaluated in this thread: the
 * answer is there in some microseconds. Whatever may take long goes to threads that can be killed: what was read of a body, heads that are unusual or of an
 * agent whose entries are many (head-cost.ts), and all questions to any other program, whatever its data say of it. The threads are started when they are first needed, but for such a
 * program: it must load before it comes into force.
 * @throws Error if it does not load
 */
export async function openEvaluator(bundle: EvaluatedBundle, limits: EvaluatorLimits, clock: Clock): Promise<Evaluator> {
  const { program, data, threads } = await prepare(bundle, limits);
  if (!await isShippedLibrary(bundle.wasm)) return ThreadedPolicy.open(data, { threads, clock });
  return divided(new WasmPolicy(program, { limits, clock }), new ThreadedPolicy(data, { threads, clock }), headCost(bundle.data));
}

/**
 * Opens a policy that the boundary of a cluster hands over. Its controller compiled it out of the library and the Rego of tenants, and wrote down which agents
 * hold which: only of such a bundle is that believed, as agents that hold none of the Rego are answered in this thread too.
 * @throws Error if it does not load
 */
export async function openHeldEvaluator(bundle: EvaluatedBundle, limits: EvaluatorLimits, clock: Clock): Promise<Evaluator> {
  const programmed = programmedAgents(bundle.data);
  if (programmed.size === 0) return openEvaluator(bundle, limits, clock);
  const { program, data, threads } = await prepare(bundle, limits);
  const apart = await ThreadedPolicy.open(data, { threads, clock });
  const here = new WasmPolicy(program, { limits, clock });
  const mayTakeLong = headCost(bundle.data);
  return divided(here, apart, (input) => programmed.has(`${input.agent.namespace}/${input.agent.name}`) || mayTakeLong(input));
}

async function prepare(bundle: EvaluatedBundle, { deadlineMs, memoryLimitBytes, threads = 2 }: EvaluatorLimits) {
  const program = await compileProgram(bundle);
  return { program, data: { program, limits: { deadlineMs, memoryLimitBytes } }, threads };
}

function divided(here: WasmPolicy, apart: ThreadedPolicy, isApart: (input: PolicyInput) => boolean): Evaluator {
  return {
    evaluate: async (question, input) => (isApart(input) ? apart : here).evaluate(question, input),
    evaluateAll: async (question, inputs) => (inputs.some(isApart) ? apart : here).evaluateAll(question, inputs),
    get isWarm() { return apart.isWarm; },
    warm: async () => apart.warm(),
    get suspicion() { return apart.suspicion; },
    remember: (suspicion) => { apart.remember(suspicion); },
    close: async () => apart.close(),
  };
}

/** Agents, `namespace/name`, that hold a policy with Rego by what the boundary's bundle says. */
export function programmedAgents(data: object): ReadonlySet<string> {
  const parsed = clusterData.safeParse(data);
  if (!parsed.success) return new Set();
  const { holders, programs } = parsed.data.egress.cluster;
  const agents = Object.entries(holders).flatMap(([namespace, byName]) => Object.entries(byName).map(([name, policies]) => ({ key: `${namespace}/${name}`, policies })));
  return new Set(agents.filter(({ policies }) => policies.some((id) => programs.includes(id))).map(({ key }) => key));
}
