import { usageAtDoors } from "../operator-doors.ts";
import type { UsageSample } from "./usage.ts";

/** What the running proxies of this machine say, by thread. A thread that several of them serve is shown once for each. */
export async function machineUsage(stateDirectory: string): Promise<UsageSample> {
  const answers = await usageAtDoors(stateDirectory);
  return {
    used: answers.flatMap(({ answer }) => (answer?.threads ?? []).map(({ namespace, agent, thread, tokens, nanoUsd, ...rest }) => (
      { ...rest, agent: `${namespace}/${agent}`, thread, tokens: Number(tokens), nanoUsd: BigInt(nanoUsd) }
    ))),
    troubles: answers.flatMap(({ proxy, trouble }) => (trouble === null ? [] : [`${proxy}: ${trouble}`])),
  };
}
