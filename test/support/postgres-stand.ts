import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { Client, type ClientConfig } from "pg";
import { aDnsQuery, readAddress } from "./plain-dns.ts";
import { startStand, type Stand } from "./running-proxy.ts";
import type { TestAuthority } from "./tls-authority.ts";

export const DATABASE_HOST = "db.example.test";
export const DATABASE_PORT = 5432;
/** Not ASCII, so that both sides must prepare it in the same way. */
export const PASSWORD = "canary-pa55word-\u00fc";

export interface PostgresStandOptions {
  /** Of the database's certificate. */
  readonly authority: TestAuthority;
  /** Where the name of the database leads, on loopback. */
  readonly dialPort: number;
  /** Merged into the one entry of the policy. */
  readonly entry?: Record<string, unknown>;
  /** Merged into the binding of the grant. */
  readonly bind?: Record<string, unknown>;
  readonly config?: Record<string, unknown>;
  readonly budgets?: Record<string, unknown>;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A whole proxy that lends the login `app`, and a door for clients that stand where the agent does. */
export interface PostgresStand extends AsyncDisposable {
  readonly stand: Stand;
  readonly doorPort: number;
  /** The boundary's CA, for clients. */
  readonly caFile: string;
  /** Whose connections come in by the door; `i1` at first. */
  instance: string;
  /** A `pg` client through the boundary, over verified TLS, as somebody with a password of no worth. */
  connect(changes?: ClientConfig): Promise<Client>;
  /** `psql` through the boundary, with verified TLS; the settings of its connection string changed as given. */
  psql(args: readonly string[], changes?: Readonly<Record<string, string>>, whileItRuns?: (child: ChildProcess) => Promise<void>): Promise<Ran>;
}

export async function startPostgresStand(options: PostgresStandOptions): Promise<PostgresStand> {
  const folder = mkdtempSync(join(tmpdir(), "weir-postgres-stand-"));
  const stand = await startStand({
    authority: options.authority, policyData: { hosts: [entryOf(options.entry)] }, config: { grants: { db: grantOf(folder, options.bind) }, ...(options.budgets === undefined ? {} : { budgets: options.budgets }), ...options.config },
    routes: [{ name: DATABASE_HOST, port: DATABASE_PORT, dialPort: options.dialPort }],
  });
  const caFile = join(folder, "boundary.pem");
  writeFileSync(caFile, stand.proxy.caPem);
  const door = createServer({ allowHalfOpen: true }, (socket) => { void carry(stand, opened.instance, socket); }).listen(0, "127.0.0.1");
  await once(door, "listening");
  const { port: doorPort } = door.address() as AddressInfo;
  const opened: PostgresStand = {
    stand, doorPort, caFile, instance: "i1",
    connect: async (changes = {}) => {
      const ssl = { ca: stand.proxy.caPem, servername: DATABASE_HOST };
      const client = new Client({ host: "127.0.0.1", port: doorPort, user: "anybody", password: "whatever", database: "app", ssl, ...changes });
      client.on("error", () => undefined);
      await client.connect();
      return client;
    },
    psql: async (args, changes = {}, whileItRuns) => {
      const settings = { host: DATABASE_HOST, hostaddr: "127.0.0.1", port: String(doorPort), user: "anybody", dbname: "app", sslmode: "verify-full", sslrootcert: caFile, ...changes };
      return runPsql([Object.entries(settings).map(([name, value]) => `${name}='${value}'`).join(" "), ...args], whileItRuns);
    },
    [Symbol.asyncDispose]: async () => {
      door.close();
      await stand.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return opened;
}

export const entryOf = (changes: Record<string, unknown> = {}): Record<string, unknown> =>
  ({ name: DATABASE_HOST, ports: [DATABASE_PORT], handling: "postgres", databases: ["app"], grants: ["db"], rule: "db.app", ...changes });

function grantOf(folder: string, bind: Record<string, unknown> = {}): Record<string, unknown> {
  const path = join(folder, "password");
  writeFileSync(path, PASSWORD, { mode: 0o600 });
  return { credential: { type: "file", path }, inject: { type: "postgres", username: "app" }, bind: { hosts: [DATABASE_HOST], ports: [DATABASE_PORT], databases: ["app"], ...bind } };
}

/** What rules and sidecar do in a real one. */
async function carry(stand: Stand, instance: string, near: Socket): Promise<void> {
  near.on("error", () => {});
  const names = await stand.dialAs(instance, { address: "10.255.0.1", port: 53 }, "dns");
  names.write(aDnsQuery(DATABASE_HOST));
  const [answer] = await once(names, "data") as [Buffer];
  names.destroy();
  const far = await stand.dialAs(instance, { address: readAddress(answer), port: DATABASE_PORT });
  far.on("error", () => { near.destroy(); });
  await Promise.allSettled([pipeline(near, far), pipeline(far, near)]);
}

async function runPsql(args: readonly string[], whileItRuns?: (child: ChildProcess) => Promise<void>): Promise<Ran> {
  const child = spawn("psql", ["--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit"), whileItRuns?.(child)]);
  return { code: child.exitCode, stdout, stderr };
}
