import { spawn } from "node:child_process";
import { once } from "node:events";
import type { InstallationOptions } from "./cluster-options.ts";

const NODE_PROGRAM = "/usr/local/bin/node";
const OUTPUT_LIMIT_BYTES = 16 << 20;
const DEADLINE_MS = 120_000;

export interface ProxySaid {
  readonly code: number;
  readonly out: string;
  /** The end of it. */
  readonly err: string;
}

/** Runs a script in a node proxy's container, which has no shell, by `kubectl exec`: whoever may do that may do what the script does. Never throws. */
export async function execInProxy(pod: string, { kubeconfig, context, systemNamespace }: InstallationOptions, script: string, args: readonly string[]): Promise<ProxySaid> {
  const child = spawn("kubectl", [
    ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig]), ...(context === undefined ? [] : ["--context", context]),
    "exec", "--namespace", systemNamespace, pod, "--container", "proxy", "--", NODE_PROGRAM, "--eval", script, "--", ...args,
  ], { stdio: ["ignore", "pipe", "pipe"], timeout: DEADLINE_MS, killSignal: "SIGKILL" });
  const said = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said.out += text;
    if (said.out.length > OUTPUT_LIMIT_BYTES) child.kill("SIGKILL");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => { said.err = (said.err + text).slice(-4_096); });
  try {
    const [code] = await once(child, "close") as [number | null];
    return { code: code ?? 1, ...said };
  } catch (error) {
    return { code: 1, out: "", err: (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no kubectl on PATH" : (error as Error).message };
  }
}
