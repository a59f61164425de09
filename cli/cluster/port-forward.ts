import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { EXIT, UserError } from "../../common/exit-codes.ts";

const READY_TIMEOUT_MS = 20_000;
/** Pause before a forwarding that ended is begun again, in milliseconds: whoever follows a thread outlives the controller's pods. */
const AGAIN_MS = 1_000;
const WORDS_LIMIT = 20;
const FORWARDING = /^Forwarding from 127\.0\.0\.1:(\d+) -> \d+$/;

export interface PortForwardWish {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
  /** As kubectl takes it, e.g. `svc/weir-controller`. */
  readonly target: string;
  readonly port: number;
}

export interface PortForward {
  readonly port: number;
  close(): void;
}

/**
 * A port of this machine's loopback that leads to a service of the cluster, by `kubectl port-forward`: the way on which the API server and the
 * kubelet know who asks, and that needs no address of the cluster to be reachable. It is begun again, on the same port, for as long as it is open.
 * @throws UserError with kubectl's own words if it does not come up
 */
export async function openPortForward(wish: PortForwardWish): Promise<PortForward> {
  const closed = new AbortController();
  const first = start(wish, 0);
  const came = await first.ready;
  if (typeof came === "string") {
    first.child.kill();
    throw noForward(wish, came);
  }
  const keeping = keep(wish, came, first.child, closed.signal);
  return {
    port: came,
    close: () => {
      closed.abort();
      void keeping;
    },
  };
}

/** Never rejects. */
async function keep(wish: PortForwardWish, port: number, first: ChildProcess, closed: AbortSignal): Promise<void> {
  let child = first;
  closed.addEventListener("abort", () => { child.kill(); });
  while (!closed.aborted) {
    if (child.exitCode === null && child.signalCode === null) await once(child, "close").catch(() => undefined);
    await pause(AGAIN_MS, undefined, { signal: closed }).catch(() => undefined);
    if (closed.aborted) return;
    const again = start(wish, port);
    child = again.child;
    await again.ready;
  }
}

interface Started {
  readonly child: ChildProcess;
  /** The port, or why there is none; never rejects. */
  readonly ready: Promise<number | string>;
}

/** @param port 0 for any */
function start(wish: PortForwardWish, port: number): Started {
  const child = spawn("kubectl", [
    ...flag("--kubeconfig", wish.kubeconfig), ...flag("--context", wish.context),
    "port-forward", "--namespace", wish.namespace, "--address", "127.0.0.1", wish.target, `${port === 0 ? "" : port}:${wish.port}`,
  ], { stdio: ["ignore", "pipe", "pipe"] });
  const { promise, resolve } = Promise.withResolvers<number | string>();
  const said: string[] = [];
  const fail = (why: string) => { resolve([why, ...said].join("; ")); };
  const deadline = setTimeout(() => { fail(`nothing after ${READY_TIMEOUT_MS / 1_000} s`); }, READY_TIMEOUT_MS);
  child.stderr.setEncoding("utf8").on("data", (text: string) => { if (said.length < WORDS_LIMIT) said.push(text.trim()); });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const found = FORWARDING.exec(line)?.[1];
    if (found !== undefined) resolve(Number(found));
  });
  child.once("error", (error) => { fail(error.message); });
  child.once("close", () => { fail("it ended"); });
  void promise.finally(() => { clearTimeout(deadline); });
  return { child, ready: promise };
}

function noForward({ target, namespace }: PortForwardWish, why: string): UserError {
  const isMissing = why.includes("ENOENT");
  return new UserError(
    isMissing ? "there is no kubectl on PATH to reach the controller with" : `cannot reach ${target} in namespace ${namespace}: ${why}`,
    "Give the controller's address with --server, or install kubectl and check --context and --system-namespace.", EXIT.unavailable,
  );
}

function flag(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}
