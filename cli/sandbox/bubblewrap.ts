import type { Mount } from "./mount-plan.ts";

/** File descriptors that the stage hands to bubblewrap. */
export const BUBBLEWRAP_FD = { status: 3, arguments: 4, seccomp: 5 } as const;

/** MAX_ARGS of bubblewrap: words on its command line and in its arguments file together. */
export const BUBBLEWRAP_WORD_LIMIT = 9_000;

/** Signals of the terminal and of its end: bubblewrap itself must outlive them, COMMAND must get them. */
const KEPT_FROM_BUBBLEWRAP = "INT,QUIT,HUP,TERM";

export interface BubblewrapOptions {
  readonly mounts: readonly Mount[];
  readonly emptyFile: string;
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  /** Of COMMAND. bubblewrap itself runs without it: LD_PRELOAD and the like must not act on what stands outside of the sandbox. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The arguments that make the agent's world: own user, process, IPC, host name and cgroup namespaces, no capabilities, and a root that is
 * read-only but for what `mounts` opens. The network namespace is the one it is started in. Read from a file, because `ps` shows command lines.
 */
export function bubblewrapArguments(options: BubblewrapOptions): string[] {
  const { uid, gid } = options;
  return [
    "--unshare-user", "--uid", String(uid), "--gid", String(gid),
    "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
    "--die-with-parent", "--cap-drop", "ALL",
    "--json-status-fd", String(BUBBLEWRAP_FD.status), "--seccomp", String(BUBBLEWRAP_FD.seccomp),
    "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
    ...options.mounts.flatMap((mount) => mountArguments(mount, options.emptyFile)),
    "--perms", "0700", "--dir", runtimeFolder(uid),
    "--chdir", options.cwd,
    "--clearenv", ...Object.entries(options.environment).flatMap(([name, value]) => ["--setenv", name, value]),
  ];
}

/** For XDG_RUNTIME_DIR: the agent's own, in a private folder. */
export function runtimeFolder(uid: number): string {
  return `/run/user/${uid}`;
}

/**
 * The command line; `env` and `bwrap` are found in the PATH of the stage, the inner `env` and `nice` at their fixed place. GNU `env` sets
 * signal dispositions; inside it gives COMMAND the default ones back that bubblewrap was started without. It would take a COMMAND with `=`
 * in its name for a variable; `nice`, which changes nothing here, takes it as it is, and ends with 126 or 127 as a shell would.
 */
export function bubblewrapCommand(command: readonly string[]): [program: string, args: string[]] {
  return ["env", [
    `--ignore-signal=${KEPT_FROM_BUBBLEWRAP}`, "bwrap", "--args", String(BUBBLEWRAP_FD.arguments), "--",
    "/usr/bin/env", `--default-signal=${KEPT_FROM_BUBBLEWRAP}`, "--",
    "/usr/bin/nice", "-n", "0", "--", ...command,
  ]];
}

function mountArguments(mount: Mount, emptyFile: string): string[] {
  switch (mount.kind) {
    case "private-folder": return ["--perms", "1777", "--tmpfs", mount.path];
    case "empty-folder": return ["--perms", "0700", "--tmpfs", mount.path];
    case "writable": return ["--bind", mount.path, mount.path];
    case "read-only": return ["--ro-bind", mount.path, mount.path];
    case "empty-file": return ["--ro-bind", emptyFile, mount.path];
    case "overlay": return ["--ro-bind", mount.source, mount.path];
  }
}
