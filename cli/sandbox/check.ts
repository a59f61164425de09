import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { programCommand } from "./programs.ts";
import { SYSTEM_FOLDERS } from "./system-folders.ts";

/** One thing that the local sandbox needs of the machine. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** True if nothing stops without it. */
  readonly optional?: boolean;
  readonly detail: string;
  /** The exact command that mends it; empty if `ok`. */
  readonly fix: string;
}

const TOOLS = [
  { name: "unshare", package: "util-linux" },
  { name: "ip", package: "iproute2" },
  { name: "nft", package: "nftables" },
  { name: "bwrap", package: "bubblewrap" },
] as const;

const TRIAL_DEADLINE_MS = 15_000;

/**
 * Tries what a sandbox is made of, each for real and as this user. Later findings need earlier ones, so that a machine that lacks a tool
 * is not also told that namespaces fail.
 */
export async function checkSandbox(): Promise<readonly Finding[]> {
  if (process.platform !== "linux") return [finding("Linux", `this is ${process.platform}`, "Run Weir on Linux, or in a Linux virtual machine.")];
  const tools = [...TOOLS.map((tool) => checkTool(tool.name, tool.package)), checkEnv()];
  const namespaces = checkNamespaces();
  if (tools.some(({ ok }) => !ok) || !namespaces.ok) return [...tools, namespaces];
  return [...tools, namespaces, checkRules(), checkMounts()];
}

function checkTool(name: string, debianPackage: string): Finding {
  const folder = SYSTEM_FOLDERS.split(":").find((one) => existsSync(join(one, name)));
  return folder === undefined ? finding(name, "not installed", `sudo apt-get install -y ${debianPackage}`) : finding(name, join(folder, name));
}

/** Needed for signals: see bubblewrap.ts. */
function checkEnv(): Finding {
  const trial = attempt("env", ["--ignore-signal=INT", "env", "--default-signal=INT", "true"]);
  return trial.ok ? finding("env", "GNU coreutils") : finding("env", "not of GNU coreutils 8.31 or later", "sudo apt-get install -y coreutils");
}

function checkNamespaces(): Finding {
  const trial = attempt("unshare", ["-Urn", "--", "ip", "link", "set", "lo", "up"]);
  if (trial.ok) return finding("user namespaces", "a user may make a network of its own");
  const settings = [
    { path: "kernel/unprivileged_userns_clone", closed: "0", fix: "sudo sysctl -w kernel.unprivileged_userns_clone=1" },
    { path: "kernel/apparmor_restrict_unprivileged_userns", closed: "1", fix: "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" },
    { path: "user/max_user_namespaces", closed: "0", fix: "sudo sysctl -w user.max_user_namespaces=15000" },
    { path: "user/max_net_namespaces", closed: "0", fix: "sudo sysctl -w user.max_net_namespaces=15000" },
  ].filter(({ path, closed }) => setting(path) === closed);
  const reasons = settings.map(({ path, closed }) => `${path.replaceAll("/", ".")} is ${closed}`);
  const fix = settings.map((one) => one.fix).join(" && ") || "In a container: start it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined.";
  return finding("user namespaces", [trial.detail, ...reasons].join("; "), fix);
}

/** The very program that every run starts with. */
function checkRules(): Finding {
  const trial = attempt("unshare", ["-Urn", "--", ...programCommand("init", ["--mode", "local"])]);
  return trial.ok ? finding("packet rules", "they load and hold") : finding("packet rules", trial.detail, "sudo modprobe -a nf_tables nft_fib_inet nft_redir nft_reject_inet nf_conntrack");
}

function checkMounts(): Finding {
  const args = ["--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--", "true"];
  const trial = attempt("unshare", ["-Urn", "--", "bwrap", ...args]);
  return trial.ok ? finding("mounts", "a user may make a file system view of its own")
    : finding("mounts", trial.detail, "In a container: start it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined.");
}

function attempt(command: string, args: readonly string[]): { ok: boolean; detail: string } {
  const done = spawnSync(command, args, { encoding: "utf8", timeout: TRIAL_DEADLINE_MS, env: { PATH: SYSTEM_FOLDERS, LANG: "C.UTF-8" } });
  return { ok: done.status === 0, detail: done.error?.message ?? done.stderr.trim() };
}

function setting(path: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${path}`, "utf8").trim();
  } catch {
    return undefined;
  }
}

function finding(name: string, detail: string, fix = ""): Finding {
  return { name, ok: fix === "", detail, fix };
}
