import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { LoadName, Measured, Order, Report } from "./driver/messages.ts";
import { cpuMicros, residentMiB, spawnPinned, stopProcess } from "./processes.ts";
import type { Peer } from "./peers/peer.ts";

/** One peer under one load, once. */
export interface Sample extends Measured {
  /** CPU of the proxy while it was measured, in microseconds; null for `direct`. */
  readonly proxyCpuMicros: number | null;
  readonly residentMiB: number | null;
}

/** The process that makes the load, on the load core. */
export class Driver {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = spawnPinned("load", ["node", join(import.meta.dirname, "driver/driver.ts")], ["ignore", "inherit", "inherit", "ipc"]);
  }

  /** Warms the peer up, then measures it for the given time. @throws Error with what the driver met */
  async sample(peer: Peer, load: LoadName, warmUpMs: number, durationMs: number): Promise<Sample> {
    await this.#order({ kind: "load", load, target: peer.target, warmUpMs }, "warm");
    const before = peer.pid === null ? 0 : cpuMicros(peer.pid);
    const { measured } = await this.#order({ kind: "measure", durationMs }, "measured");
    return {
      ...measured,
      proxyCpuMicros: peer.pid === null ? null : cpuMicros(peer.pid) - before,
      residentMiB: peer.pid === null ? null : residentMiB(peer.pid),
    };
  }

  async stop(): Promise<void> {
    await stopProcess(this.#child);
  }

  async #order<K extends Report["kind"]>(order: Order, expected: K): Promise<Extract<Report, { kind: K }>> {
    const answer = once(this.#child, "message");
    this.#child.send(order);
    const [report] = await answer as [Report];
    if (report.kind === "failed") throw new Error(report.message);
    if (report.kind !== expected) throw new Error(`the driver said ${report.kind} when ${expected} was due`);
    return report as Extract<Report, { kind: K }>;
  }
}
