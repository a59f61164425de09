import { setTimeout as pause } from "node:timers/promises";
import type { Agents, Answered } from "./agents.ts";
import type { Fleet } from "./fleet.ts";
import type { PlannedRequest } from "./plan.ts";

/** What became of a request for the one who asked. `lost`: given up after many tries; `left`: the agent went away itself. */
export type Outcome = "answered" | "left" | "refused" | "provider-error" | "unavailable" | "lost" | "odd";

export interface Told {
  readonly outcome: Outcome;
  /** Connections that were lost under it before. */
  readonly losses: number;
  /** For what is odd. */
  readonly detail: string;
}

/** A client gives up after so many. */
const MOST_TRIES = 8;
const RETRY_PAUSE_MS = 250;

/** Sends a request as a stubborn client does: again, through any proxy, when the connection is lost or the ledger is away. */
export async function sendUntilAnswered(agents: Agents, fleet: Fleet, planned: PlannedRequest, random: () => number): Promise<Told> {
  let last: Outcome = "lost";
  for (let losses = 0; losses < MOST_TRIES; losses += 1) {
    if (losses > 0) await pause(RETRY_PAUSE_MS * (1 + random()));
    try {
      const answered = await agents.post(planned.agent, fleet.doorOf(Math.floor(random() * fleet.size)), planned.form, planned.leavesAfterBytes);
      const outcome = outcomeOf(answered, planned);
      if (outcome !== "unavailable") return { outcome, losses, detail: outcome === "odd" ? `${answered.status} ${answered.body.slice(0, 400).trim()}` : "" };
      last = outcome;
    } catch {
      last = "lost";
    }
  }
  return { outcome: last, losses: MOST_TRIES, detail: "" };
}

/** A refusal of a budget is told from the provider's own errors by what forbids to try again. */
function outcomeOf({ status, headers, body }: Answered, { leavesAfterBytes }: PlannedRequest): Outcome {
  if (status === 200) return Number.isFinite(leavesAfterBytes) ? "left" : "answered";
  // Its own errors, and answers that it broke off before their head.
  if (body.includes("as planned") || body.includes("upstream.")) return "provider-error";
  if (headers["x-weir-decision"] === "denied" && headers["x-should-retry"] === "false" && body.includes("budget.exhausted")) return "refused";
  return status === 503 ? "unavailable" : "odd";
}
