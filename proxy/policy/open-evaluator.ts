import * as z from "zod";
import type { Clock } from "../../common/clock.ts";
import type { Bundle } from "./bundle.ts";
import { ThreadedPolicy } from "./threaded-policy.ts";
import { WasmPolicy, type Evaluator, type WasmLimits } from "./wasm-policy.ts";

/** What the data of a cluster's bundle say of who wrote Rego; on one machine there is none of it. */
const clusterData = z.looseObject({
  egress: z.looseObject({
    cluster: z.looseObject({ holders: z.record(z.string(), z.record(z.string(), z.array(z.string()))), programs: z.array(z.string()).default([]) }),
  }),
});

/**
 * Opens a policy: in this thread if all of its Rego is ours or the operator's. Of a cluster whose tenants wrote some, the questions of agents that hold it go to a thread that can be
 * killed; those of all others are answered here, where nothing but the library speaks to them.
 * @throws Error if it does not load
 */
export async function openEvaluator({ wasm, data }: Pick<Bundle, "wasm" | "data">, limits: WasmLimits, clock: Clock): Promise<Evaluator> {
  const here = await WasmPolicy.open(wasm, data, { limits, clock });
  const programmed = programmedAgents(data);
  if (programmed.size === 0) return here;
  const apart = await ThreadedPolicy.open({ wasm, data, limits: { deadlineMs: limits.deadlineMs, memoryLimitBytes: limits.memoryLimitBytes } }, clock);
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
