import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { EXIT, UserError } from "../../common/exit-codes.ts";

const READY_TIMEOUT_MS = 20_000;
const FORWARDING = /^Forwarding from 127\.0\.0\.1:(\d+) -> \d+$/;

export interface PortForwardWish {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
  /** `svc/weir-controller:443` is written `{ target: "svc/weir-controller", port: 443 }`. */
  readonly target: string;
  readonly port: number;
}

export interface PortForward {
  readonly port: number;
  close(): void;
}

/**
 * A port of this machine's loopback that leads to a service of the cluster, by `kubectl port-forward`: the way on which the API server and the
 * kubelet know who asks, and that needs no address of the cluster to be reachable.
 * @throws UserError with kubectl's own words if it does not come up
 */
export async function openPortForward(wish: PortForwardWish): Promise<PortForward> {
  const child = spawn("kubectl", [
    ...flag("--kubeconfig", wish.kubeconfig), ...flag("--context", wish.context),
    "port-forward", "--namespace", wish.namespace, "--address", "127.0.0.1", wish.target, `:${wish.port}`,
  ], { stdio: ["ignore", "pipe", "pipe"] });
  const said: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => { if (said.length < 20) said.push(text.trim()); });
  const port = await new Promise<number | Error>((resolve) => {
    const deadline = setTimeout(() => { resolve(new Error(`nothing after ${READY_TIMEOUT_MS / 1_000} s`)); }, READY_TIMEOUT_MS);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = FORWARDING.exec(line)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    child.once("error", resolve);
    void once(child, "close").then(() => { resolve(new Error("it ended")); }, resolve).finally(() => { clearTimeout(deadline); });
  });
  if (typeof port === "number") return { port, close: () => { child.kill(); } };
  child.kill();
  throw noForward(wish, [port.message, ...said].join("; "));
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
