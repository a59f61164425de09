import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { writeFile, rename } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { EXIT, UserError } from "../common/exit-codes.ts";
import type { AgentIdentity } from "../common/identity.ts";
import { Lifecycle } from "../common/lifecycle.ts";
import { openLog } from "../common/log.ts";
import { TEMPORARY_PARENT } from "../common/own-folders.ts";
import { startProxy } from "../proxy/main.ts";
import { dummyEnvironment, dummyFiles, openCa, openLocalIssuer, type AuditRecord, type LocalIssuer } from "../proxy/operator.ts";
import type { Io } from "./io.ts";
import type { LoadedConfig } from "./load-config.ts";
import { revokeAtDoors } from "./operator-doors.ts";
import { auditDirectoryOfRun, stateDirectory } from "./state-directory.ts";

/** A token lives this long and is renewed at half of it, so that a killed `weir` leaves nothing usable behind for long. */
const TOKEN_TTL_MS = 10 * 60_000;

/** A local socket answers at once or never. */
const CONNECT_TIMEOUT_MS = 5_000;

/** What a sandbox needs to know of the proxy that governs it. */
export interface Boundary {
  readonly socketPath: string;
  /** The sidecar reads the identity token from here; it is renewed in place. */
  readonly tokenFile: string;
  readonly caPem: string;
  /** Dummies of the grants, for the agent's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Texts of the files that variables among them name, by file name below `DUMMY_FOLDER`. */
  readonly dummyFiles: Readonly<Record<string, string>>;
  /** Folders that must not exist for the agent. */
  readonly hiddenPaths: readonly string[];
  /** Folder private to this run, outside of what the agent sees. */
  readonly runDirectory: string;
  /** Where this run's audit chain is; null if the proxy belongs to `weir up`. */
  readonly auditDirectory: string | null;
  close(): Promise<void>;
}

export interface BoundaryOptions {
  readonly agentName: string | undefined;
  readonly thread: string | undefined;
  /** Unix socket of a running `weir up`; undefined starts a proxy in this process. */
  readonly proxySocket: string | undefined;
  readonly onRecord: (record: AuditRecord) => void;
}

/** Starts a proxy in this process, or joins the one that `weir up` runs, and makes the identity of this run. */
export async function openBoundary(loaded: LoadedConfig, io: Io, options: BoundaryOptions): Promise<Boundary> {
  const { config } = loaded;
  const lifecycle = new Lifecycle(openLog("weir", config.logLevel));
  // Short, because the path of a Unix socket is at most 107 bytes.
  const runDirectory = mkdtempSync(join(TEMPORARY_PARENT, "weir-"));
  lifecycle.onStop("run directory", () => { rmSync(runDirectory, { recursive: true, force: true }); });
  try {
    const state = stateDirectory(config, io.environment);
    const { issuer, ...proxy } = options.proxySocket === undefined
      ? await startOwnProxy(loaded, io, { state, runDirectory, lifecycle, onRecord: options.onRecord })
      : await joinProxy(options.proxySocket, state, loaded.config);
    const tokenFile = join(runDirectory, "token");
    const agent = identityOf(loaded, options);
    // The proxy of `weir up` does not see the end of a run; one of our own ends with it.
    if (options.proxySocket !== undefined) lifecycle.onStop("leases", async () => { await revokeAtDoors(state, { instance: agent.instance }); });
    await writeToken(tokenFile, issuer, agent);
    lifecycle.run("token-renewal", async (signal) => renewToken(tokenFile, issuer, agent, signal));
    const hiddenPaths = [state, runDirectory, ...(proxy.auditDirectory === null ? [] : [proxy.auditDirectory])];
    const files = Object.assign({}, ...Object.values(config.grants).map(dummyFiles)) as Record<string, string>;
    return { ...proxy, tokenFile, environment: dummyEnvironment(config.grants), dummyFiles: files, hiddenPaths, runDirectory, close: async () => lifecycle.stop(config.drainTimeoutMs + 5_000) };
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

interface ReachedProxy {
  readonly socketPath: string;
  readonly caPem: string;
  readonly auditDirectory: string | null;
  readonly issuer: LocalIssuer;
}

async function startOwnProxy(loaded: LoadedConfig, io: Io, own: {
  readonly state: string; readonly runDirectory: string; readonly lifecycle: Lifecycle; readonly onRecord: (record: AuditRecord) => void;
}): Promise<ReachedProxy> {
  const socketPath = join(own.runDirectory, "proxy", "proxy.sock");
  const auditDirectory = auditDirectoryOfRun(loaded.config, io.environment, Date.now(), process.pid);
  const proxy = await startProxy(
    { ...loaded.config, listen: { socketPath }, audit: { ...loaded.config.audit, directory: auditDirectory } },
    // The issuer's key lives and dies with the run: its tokens are worth nothing anywhere else.
    { log: openLog("weir-proxy", loaded.config.logLevel), environment: io.environment, stateDirectory: own.state, issuerDirectory: join(own.runDirectory, "issuer"), onRecord: own.onRecord },
  );
  own.lifecycle.onStop("proxy", async () => proxy.stop());
  return { socketPath, caPem: proxy.caPem, auditDirectory, issuer: proxy.issuer };
}

async function joinProxy(socketPath: string, state: string, { tls }: LoadedConfig["config"]): Promise<ReachedProxy> {
  await requireProxy(socketPath);
  return { socketPath, caPem: (await openCa(state, tls)).caPem, auditDirectory: null, issuer: await openLocalIssuer(join(state, "issuer")) };
}

/** Without it COMMAND would run without any way out, and nobody would say why. @throws UserError */
async function requireProxy(socketPath: string): Promise<void> {
  const socket = connect(socketPath);
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) });
  } catch (cause) {
    throw new UserError(`no proxy answers at ${socketPath}`, "Start one with `weir up`, or leave out --proxy: then the command gets one of its own.", EXIT.unavailable, { cause });
  } finally {
    socket.destroy();
  }
}

function identityOf(loaded: LoadedConfig, options: BoundaryOptions): AgentIdentity {
  const { namespace, name, labels } = loaded.config.agent;
  const instance = crypto.randomUUID();
  return { namespace, name: options.agentName ?? name, thread: options.thread ?? instance, instance, user: userInfo().username, labels, chain: [] };
}

async function renewToken(file: string, issuer: LocalIssuer, agent: AgentIdentity, signal: AbortSignal): Promise<void> {
  for (;;) {
    await wait(TOKEN_TTL_MS / 2, undefined, { signal, ref: false });
    await writeToken(file, issuer, agent);
  }
}

async function writeToken(file: string, issuer: LocalIssuer, agent: AgentIdentity): Promise<void> {
  await writeFile(`${file}.new`, await issuer.mint(agent, TOKEN_TTL_MS), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
