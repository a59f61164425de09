/**
 * A process that spends and dies: `node budget-spender.ts STATE SEED POINT`. It makes some requests as a proxy does, says on standard output what has
 * to be charged for them, and is killed at POINT by its own hand, as by kill -9.
 */
import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../common/clock.ts";
import { silentLog } from "../../common/log.ts";
import { budgetConfig } from "../../proxy/budget/config.ts";
import type { Reservation } from "../../proxy/budget/budget-ledger.ts";
import { openBudget } from "../../proxy/budget/open-budget.ts";
import { seeded } from "./proof.ts";

export type DeathPoint = "before-send" | "before-settle" | "before-report" | "in-stream" | "never";

export const SPENDER_LIMIT_USD = "1000";
export const SPENDER_BUDGETS = {
  named: {
    org: { meter: "usd", limit: SPENDER_LIMIT_USD, window: "total" }, team: { meter: "usd", limit: SPENDER_LIMIT_USD, window: "total", parent: "org" },
    traffic: { meter: "bytes", limit: 100_000_000, window: "total" },
  },
  ledger: { reportIntervalMs: 10_000 },
};
const NEVER = new AbortController().signal;
const agent = { namespace: "local", name: "worker", thread: "t", instance: "i", user: "", labels: {}, chain: [] };

async function main([stateDirectory = "", seed = "1", point = "never"]: readonly string[]): Promise<void> {
  const random = seeded(Number(seed));
  const room = await openBudget(budgetConfig.parse(SPENDER_BUDGETS), { clock: systemClock, log: silentLog, stateDirectory, onEvent: () => undefined, controller: null });
  let ids = 0;
  let charged = 0n;
  const open = async (): Promise<{ readonly reservation: Reservation; readonly held: bigint }> => {
    const held = BigInt(1 + Math.floor(random() * 1e9));
    const reservation = await room.ledger.reserve({ id: `${seed}.${ids += 1}`, agent, budgets: ["team", "traffic"], amounts: { usd: held } }, NEVER);
    return { reservation, held };
  };
  for (let index = Math.floor(random() * 20); index > 0; index -= 1) {
    const { reservation, held } = await open();
    const used = held / BigInt(1 + Math.floor(random() * 9));
    await reservation.settle({ usd: used });
    charged += used;
  }
  const inFlight = await Promise.all(Array.from({ length: 3 }, open));
  if (point === "in-stream") inFlight[0]?.reservation.take("in", 1_000_000);
  if (point === "before-report" || point === "never") {
    for (const { reservation, held } of inFlight) await reservation.settle({ usd: held / 3n });
    charged += inFlight.reduce((sum, { held }) => sum + held / 3n, 0n);
    // What was settled is in the journal a moment later; before that it is charged as it was held.
    await pause(100);
  } else charged += inFlight.reduce((sum, { held }) => sum + held, 0n);
  writeSync(1, `${charged}\n`);
  if (point !== "never") process.kill(process.pid, "SIGKILL");
  await room.close();
}

await main(process.argv.slice(2));
