import type { StageEvent } from "./stage-protocol.ts";

/** What `weir run` asks for. Paths are absolute; a path that does not exist is skipped where it is to be hidden or made read-only. */
export interface SandboxRequest {
  /** COMMAND and its arguments; at least one word, looked up in PATH of `environment`. */
  readonly command: readonly string[];
  /** Writable inside, except `/` (read-only) and `/tmp` itself (private and empty). */
  readonly cwd: string;
  /** Home of the agent; writable inside. */
  readonly home: string;
  /** The whole environment of COMMAND; names that point at the host's desktop or agents are removed from it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Unix socket on which the node proxy accepts tagged connections. */
  readonly proxySocket: string;
  /** File with the identity token; the sidecar reads it again whenever it changes. The agent never sees it. */
  readonly tokenFile: string;
  /** PEM file mounted over the system's trust bundles; undefined leaves them as they are. */
  readonly caBundleFile?: string;
  /** Files or folders that appear read-only at another place inside, such as trust stores; parents of `target` are made. */
  readonly mounts?: readonly { readonly source: string; readonly target: string }[];
  /** Do not exist for the agent: a folder is empty and private, a file is empty. Weir's own state and credentials belong here. */
  readonly hiddenPaths: readonly string[];
  /** Hidden too, and read by Weir in later runs: a symbolic link on the way that the agent could turn elsewhere is refused. */
  readonly hiddenOwnPaths?: readonly string[];
  /** Policy and configuration: readable, never writable, not even by moving a parent away. */
  readonly readOnlyPaths: readonly string[];
  /** Writable beside `cwd` and `home`. */
  readonly writablePaths: readonly string[];
  /** `private`: the agent's own sockets work and the host's are hidden. `deny`: no Unix socket can be made at all. */
  readonly unixSockets: "private" | "deny";
  /** `inherit`: terminal and pipes of this process. `pipe`: `stdin`, `stdout` and `stderr` of {@link Sandbox}. Default `inherit`. */
  readonly stdio?: "inherit" | "pipe";
  /** Told of the life of the parts; must not throw. */
  readonly onEvent?: (event: StageEvent) => void;
}

/** A running COMMAND. It ends with this process, whatever ends this process. */
export interface Sandbox {
  /** As a shell reports it: the code of COMMAND, 128 + n if signal n ended it, 126 or 127 if it could not be started. */
  readonly exited: Promise<number>;
  /** Sends a signal to COMMAND itself, not to what surrounds it. */
  signal(name: NodeJS.Signals): void;
  readonly stdin: NodeJS.WritableStream | null;
  readonly stdout: NodeJS.ReadableStream | null;
  readonly stderr: NodeJS.ReadableStream | null;
}
