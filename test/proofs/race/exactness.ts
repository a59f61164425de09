import type { ExactRefusal } from "./judge.ts";
import { sendUntilAnswered } from "./load.ts";
import { anAgent, payersOf, planRequest } from "./plan.ts";
import type { Setting } from "./setting.ts";

/** Ends by itself long before: the budgets are nearly used up. */
const MOST_REQUESTS = 400;
const WANTED_REFUSALS = 6;

/**
 * One request after another, through all proxies, of a thread that has spent nothing yet: nothing else is open, so that what a refused one was
 * short of is what the ledger shows afterwards. Requests that still fit are paid.
 */
export async function probeExactness({ agents, fleet, provider }: Setting, random: () => number): Promise<readonly ExactRefusal[]> {
  const refusals: ExactRefusal[] = [];
  for (let sent = 0; sent < MOST_REQUESTS && refusals.length < WANTED_REFUSALS; sent += 1) {
    const agent = anAgent("team-0", `probe-${sent}`);
    const planned = planRequest(agent, random);
    const before = (await provider.sums()).calls;
    const { outcome } = await sendUntilAnswered(agents, fleet, planned, random);
    if (outcome === "refused" && (await provider.sums()).calls === before) refusals.push({ payers: payersOf(agent), heldNano: planned.heldAtMostNano });
  }
  return refusals;
}
