import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import { TEMPORARY_PARENT } from "../../common/own-folders.ts";
import { freePort } from "./free-port.ts";
import type { PemPair } from "./tls-authority.ts";

/** Where Debian's package puts the programs. */
const PROGRAMS = "/usr/lib/postgresql/15/bin";
const START_DEADLINE_MS = 120_000;
const POLL_MS = 50;

/** Users but the owner log in with SCRAM, over TLS alone. */
const STRICT_HBA = "local all all trust\nhost all weir 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";

/** A real PostgreSQL of the tests, on a loopback port, in a folder of its own. */
export interface PostgresServer {
  /** Its owner, who needs no password. */
  readonly url: string;
  readonly port: number;
  /** Ends the server as `kill -9` or an orderly stop does, and starts it again on the same port and folder. */
  restart(mode: "crash" | "stop"): Promise<void>;
  /** Ends it; {@link start} brings it back. */
  stop(mode: "crash" | "stop"): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export function hasPostgres(): boolean {
  return existsSync(join(PROGRAMS, "initdb"));
}

/**
 * PostgreSQL does not run as root: then the owner of the folder is Debian's `nobody`.
 * @param tls certificate of a server that takes logins over TLS; without one anybody may connect in clear
 */
export async function startPostgres(tls: PemPair | null = null): Promise<PostgresServer> {
  const identity = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const folder = await mkdtemp(join(TEMPORARY_PARENT, "weir-postgres-"));
  if (identity.uid !== undefined) await chown(folder, identity.uid, identity.gid);
  await chmod(folder, 0o700);
  const data = join(folder, "data");
  await promisify(execFile)(join(PROGRAMS, "initdb"), ["-D", data, "-U", "weir", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"], { ...identity, cwd: folder });
  if (tls !== null) await writeTls(data, tls, identity);
  const port = await freePort();
  const url = `postgres://weir@127.0.0.1:${port}/postgres`;
  let server: ChildProcess | null = null;
  const start = async () => {
    const settings = [...(tls === null ? [] : ["-c", "ssl=on"]), "-p", String(port), "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off", "-c", "max_connections=60"];
    // The kernel ends the server when this process is gone, however that went.
    server = spawn("setpriv", ["--pdeathsig", "QUIT", join(PROGRAMS, "postgres"), "-D", data, ...settings], { ...identity, cwd: folder, stdio: "ignore" });
    await ready(server, url);
  };
  const stop = async (mode: "crash" | "stop") => {
    if (server !== null) await end(server, mode === "crash" ? "SIGQUIT" : "SIGINT");
    server = null;
  };
  await start();
  return {
    url, port, start, stop,
    restart: async (mode) => {
      await stop(mode);
      await start();
    },
    close: async () => {
      await stop("crash");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function writeTls(data: string, { certPem, keyPem }: PemPair, { uid, gid }: { uid?: number; gid?: number }): Promise<void> {
  for (const [name, text] of [["server.crt", certPem], ["server.key", keyPem], ["pg_hba.conf", STRICT_HBA]] as const) {
    await writeFile(join(data, name), text, { mode: 0o600 });
    if (uid !== undefined && gid !== undefined) await chown(join(data, name), uid, gid);
  }
}

async function ready(server: ChildProcess, url: string): Promise<void> {
  const deadline = AbortSignal.timeout(START_DEADLINE_MS);
  for (;;) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    client.on("error", () => undefined);
    const isUp = await client.connect().then(() => true, () => false);
    await client.end().catch(() => undefined);
    if (isUp) return;
    if (server.exitCode !== null || deadline.aborted) throw new Error(`postgres did not start (exit code ${server.exitCode})`);
    await pause(POLL_MS);
  }
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill(signal);
  await exited;
}
