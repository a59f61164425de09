import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { startLoad, type Load } from "./loads.ts";
import type { Order, Report } from "./messages.ts";
import { Tally } from "./tally.ts";

/** The load driver: a process of its own on the load core, told what to do by messages (bench/drive.ts). */
let current: Load | null = null;

function send(report: Report): void {
  process.send?.(report);
}

/** Resolves after the interval, or rejects at once if the load fails in it. */
async function during(load: Load, durationMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, durationMs);
  try {
    await Promise.race([promise, load.failed]);
  } finally {
    clearTimeout(timer);
  }
}

async function obey(order: Order): Promise<void> {
  if (order.kind === "load") {
    current = await startLoad(order.load, order.target, createSecureContext({ ca: readFileSync(order.target.caFile) }));
    await during(current, order.warmUpMs);
    send({ kind: "warm" });
    return;
  }
  if (current === null) throw new Error("nothing to measure");
  const tally = new Tally();
  current.tally = tally;
  await during(current, order.durationMs);
  send({ kind: "measured", measured: tally.result() });
  current.stop();
  current = null;
}

process.on("message", (order: Order) => {
  obey(order).catch((error: unknown) => {
    current?.stop();
    current = null;
    send({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  });
});
process.once("disconnect", () => { process.exit(0); });
