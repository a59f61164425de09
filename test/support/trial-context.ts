import { trialReader } from "../../proxy/exchange/read-trial.ts";
import type { TrialContext } from "../../proxy/policy/trial-head.ts";
import { ofHead } from "../../proxy/readings/open-readings.ts";

/** Trials at a time, read as the boundary reads. */
export function trialsAt(time: Date): TrialContext {
  return { time, readHead: trialReader(ofHead) };
}
