/**
 * in: listening sockets · out: the ready file · ends early with: nothing (waits) · next: the pod's other containers
 *
 * A pod's agent must not start before the rules hold. Somebody else writes them (weir-init, or the agent of the node), so the sidecar tries
 * for itself: it connects to an address at which nobody lives (RFC 5737, RFC 3849) until that connection arrives at its own listener.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Endpoint } from "../common/preamble.ts";
import { originalDestination } from "./original-destination.ts";
import type { TroubleReport } from "./report.ts";
import type { SystemCalls } from "./system-calls.ts";

const PROBES = { "127.0.0.1": "192.0.2.1", "::1": "2001:db8::1" } as const;
const PROBE_PORT = 9;
const PROBE_ADDRESSES: readonly string[] = Object.values(PROBES);
/** A connection that is turned around arrives within a millisecond; one that is not would hang. */
const ATTEMPT_MS = 500;
const RETRY_MS = 50;
/** The agent of a node has a pod's rules written by then; what takes longer should be seen in the pod's log. */
const PATIENCE_MS = 5_000;
const NOT_CAPTURED = "connections do not come back here: the rules are not written, and nothing else of this pod starts before they are";
/** Below the deadline that the pod gives its probe, so that the answer is ours. */
const AWAIT_MS = 8_000;

/**
 * There may be no route of a family, and then nothing of it to turn around. Never enough by itself: where there are no rules, any router on the way can
 * answer so to a connection that it was given.
 */
const NO_WAY_OUT = new Set(["ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"]);

type Outcome = "turned here" | "no way out" | "lost";

/** True for where this check and that of init (init/self-check.ts) dial: not the agent's doing, so that nobody should read of it in the agent's name. */
export function isProbe({ address, port }: Endpoint): boolean {
  return port === PROBE_PORT && PROBE_ADDRESSES.includes(address);
}

/** Makes connections that only a rule can bring back here, and recognises them when they arrive. */
export class RedirectCheck {
  readonly #calls: SystemCalls;
  readonly #trouble: TroubleReport;
  readonly #awaited = new Map<string, () => void>();

  constructor(calls: SystemCalls, trouble: TroubleReport) {
    this.#calls = calls;
    this.#trouble = trouble;
  }

  /**
   * To be told of every connection before it is relayed. Whoever made it: one to that address that arrives here was turned here.
   * @returns true if it was awaited; it is ended then
   */
  takes(accepted: Socket): boolean {
    if (this.#awaited.size === 0) return false;
    const destination = originalDestination(accepted, this.#calls);
    const arrived = destination?.port === PROBE_PORT ? this.#awaited.get(destination.address) : undefined;
    if (arrived === undefined) return false;
    arrived();
    accepted.destroy();
    return true;
  }

  /**
   * Resolves when a connection of each of these families has come back, or at the signal. One family has to: the rules of both are written at once, so
   * that the other one may have no way out.
   */
  async untilRedirected(loopbacks: readonly (keyof typeof PROBES)[], stop: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    while (!stop.aborted) {
      const outcomes: Outcome[] = [];
      for (const loopback of loopbacks) outcomes.push(await this.#comesBack(PROBES[loopback]));
      if (outcomes.includes("turned here") && !outcomes.includes("lost")) return;
      if (performance.now() - startedMs > PATIENCE_MS) this.#trouble.note("sidecar.not-captured", NOT_CAPTURED);
      await wait(RETRY_MS);
    }
  }

  async #comesBack(host: string): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#awaited.set(host, () => { resolve("turned here"); });
    const socket = connect({ host, port: PROBE_PORT });
    socket.on("error", (error: NodeJS.ErrnoException) => { resolve(NO_WAY_OUT.has(error.code ?? "") ? "no way out" : "lost"); });
    const deadline = setTimeout(() => { resolve("lost"); }, ATTEMPT_MS);
    try {
      return await promise;
    } finally {
      clearTimeout(deadline);
      this.#awaited.delete(host);
      socket.destroy();
    }
  }
}

/** What a file of an earlier sidecar in this container said holds no more. */
export function withdrawReady(readyFile: string): void {
  rmSync(readyFile, { force: true });
}

export function announceReady(readyFile: string): void {
  writeFileSync(readyFile, "");
}

/** For the pod's startup probe: waits rather than fails, so that one probe is enough. @returns false if the file has not come in time */
export async function awaitReady(readyFile: string): Promise<boolean> {
  const giveUpMs = performance.now() + AWAIT_MS;
  while (!existsSync(readyFile)) {
    if (performance.now() > giveUpMs) return false;
    await wait(RETRY_MS);
  }
  return true;
}
