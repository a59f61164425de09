import * as z from "zod";
import type { Clock } from "../../common/clock.ts";
import type { Bundle } from "./bundle.ts";
import { isShippedLibrary } from "./shipped-files.ts";
import { ThreadedPolicy } from "./threaded-policy.ts";
import { compileProgram, WasmPolicy, type Evaluator, type WasmLimits } from "./wasm-policy.ts";

/** What the data of a cluster's bundle say of who wrote Rego; on one machine there is none of it. */
const clusterData = z.looseObject({
  egress: z.looseObject({
    cluster: z.looseObject({ holders: z.record(z.string(), z.record(z.string(), z.array(z.string()))), programs: z.array(z.string()).default([]) }),
  }),
});

export interface EvaluatorLimits extends WasmLimits {
  /** Threads that evaluate Rego of somebody's own at the same time; default two. */
  readonly threads?: number;
}

/**
 * Opens a policy. The library that comes with Weir is evaluated in this thread: it ends soon whatever it is asked. Rego of anybody's own goes to threads
 * that can be killed. In a cluster that holds for the agents that hold a policy with Rego; nothing but the library speaks to all others.
 * @throws Error if it does not load
 */
export async function openEvaluator(bundle: Pick<Bundle, "wasm" | "data">, limits: EvaluatorLimits, clock: Clock): Promise<Evaluator> {
  const program = await compileProgram(bundle);
  const { deadlineMs, memoryLimitBytes, threads = 2 } = limits;
  if (await isShippedLibrary(bundle.wasm)) return new WasmPolicy(program, { limits, clock });
  const apart = await ThreadedPolicy.open({ program, limits: { deadlineMs, memoryLimitBytes } }, { threads, clock });
  const programmed = programmedAgents(bundle.data);
  if (programmed.size === 0) return apart;
  const here = new WasmPolicy(program, { limits, clock });
  return {
    evaluate: async (question, input) => (programmed.has(`${input.agent.namespace}/${input.agent.name}`) ? apart : here).evaluate(question, input),
    close: async () => apart.close(),
  };
}

/** Agents, `namespace/name`, that hold a policy with Rego. */
export function programmedAgents(data: object): ReadonlySet<string> {
  const parsed = clusterData.safeParse(data);
  if (!parsed.success) return new Set();
  const { holders, programs } = parsed.data.egress.cluster;
  const agents = Object.entries(holders).flatMap(([namespace, byName]) => Object.entries(byName).map(([name, policies]) => ({ key: `${namespace}/${name}`, policies })));
  return new Set(agents.filter(({ policies }) => policies.some((id) => programs.includes(id))).map(({ key }) => key));
}
