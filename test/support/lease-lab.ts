import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { systemClock, type Clock } from "../../common/clock.ts";
import { openLender, type Lender } from "../../proxy/credentials/lender.ts";
import type { CredentialEvent } from "../../proxy/credentials/leases/lease-desk.ts";
import type { Borrower } from "../../proxy/model/agent.ts";
import { A_BORROWER, AN_AGENT, credentialSettings, someGrants } from "./credentials.ts";
import { startFaultyStore, type FaultyStore } from "./faulty-store.ts";
import { startStoredOpenBao, type StoredOpenBao } from "./openbao-server.ts";
import { startPostgres, type PostgresServer } from "./postgres-server.ts";
import type { PemPair } from "./tls-authority.ts";
import { openVaultLab, type VaultLab } from "./vault-lab.ts";

/** Prefix of every user that the database engine makes. */
const MADE = "v-%";

export interface LenderOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly leaseDirectory?: string;
  readonly clock?: Clock;
  /** Role of the database engine. */
  readonly role?: string;
}

/** A real store that makes users of a real database, with a relay in front of it that makes trouble. */
export interface LeaseLab {
  readonly server: StoredOpenBao;
  readonly front: FaultyStore;
  readonly postgres: PostgresServer;
  readonly vault: VaultLab;
  readonly directory: string;
  /** The section `credentials.vault`, through the relay, with an AppRole that may do all that a proxy needs. */
  readonly vaultSection: Readonly<Record<string, unknown>>;
  /** Grant `db`: a user of the database for each instance; its role's users live so long. */
  role(name: string, ttlSeconds: number, maxSeconds: number): Promise<void>;
  grants(role?: string): Readonly<Record<string, unknown>>;
  /** Users that the store has made and not yet taken away. */
  users(): Promise<string[]>;
  lender(options?: LenderOptions): { readonly lender: Lender; readonly events: CredentialEvent[]; userOf(instance: string): Promise<string> };
  close(): Promise<void>;
}

export const borrowerOf = (instance: string): Borrower => ({ ...A_BORROWER, agent: { ...AN_AGENT, instance, thread: `thread-of-${instance}` } });

/** @param bao path of the binary @param tls certificate of a database that takes logins over TLS alone; without one it takes them in clear */
export async function openLeaseLab(bao: string, tls: PemPair | null = null): Promise<LeaseLab> {
  const directory = mkdtempSync(join(tmpdir(), "weir-leases-"));
  const server = await startStoredOpenBao(bao);
  const postgres = await startPostgres(tls);
  const front = await startFaultyStore(server.address);
  const vault = await openVaultLab(server);
  const admin = new Client({ connectionString: postgres.url });
  await admin.connect();
  await enableDatabase(server, admin, `127.0.0.1:${postgres.port}/postgres?sslmode=${tls === null ? "disable" : "require"}`);
  await vault.policy("proxy", {
    "secret/data/*": ["read"], "database/creds/*": ["read"], "sys/leases/revoke": ["update"], "sys/leases/renew": ["update"], "auth/token/revoke-accessor": ["update"],
  });
  const vaultSection = { address: front.address, timeoutMs: 1_000, auth: await vault.appRole("proxy", ["proxy"]) };
  const role = async (name: string, ttlSeconds: number, maxSeconds: number) => {
    await server.call("POST", `database/roles/${name}`, {
      db_name: "main", default_ttl: `${ttlSeconds}s`, max_ttl: `${maxSeconds}s`, creation_statements: ["CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"],
    });
  };
  await role("agent", 600, 3_600);
  const grants = (of = "agent") => ({ db: { credential: { type: "vault-database", role: of }, inject: { type: "basic" }, bind: { hosts: ["api.example.test"] } } });
  const users = async () => (await admin.query<{ rolname: string }>("SELECT rolname FROM pg_roles WHERE rolname LIKE $1", [MADE])).rows.map(({ rolname }) => rolname);
  const lender: LeaseLab["lender"] = ({ settings = {}, leaseDirectory = join(directory, "leases"), clock = systemClock, role: of } = {}) => {
    const events: CredentialEvent[] = [];
    const credentials = credentialSettings({ vault: vaultSection, attempts: 1, failureTtlMs: 0, breakerFaults: 100, ...settings });
    const opened = openLender({ grants: someGrants(grants(of)), credentials }, { environment: {}, leaseDirectory, onEvent: (event) => { events.push(event); } }, clock);
    const userOf = async (instance: string) => {
      const { material } = await opened.materialOf("db", borrowerOf(instance), AbortSignal.timeout(30_000));
      return material.values.username?.reveal() ?? "";
    };
    return { lender: opened, events, userOf };
  };
  const close = async () => {
    await admin.end();
    await Promise.all([vault.close(), front.close()]);
    await server.close();
    await postgres.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { server, front, postgres, vault, directory, vaultSection, role, grants, users, lender, close };
}

async function enableDatabase({ call }: StoredOpenBao, admin: Client, database: string): Promise<void> {
  await admin.query("CREATE ROLE vault SUPERUSER LOGIN PASSWORD 'x'");
  await call("POST", "sys/mounts/database", { type: "database" });
  await call("POST", "database/config/main", {
    plugin_name: "postgresql-database-plugin", allowed_roles: "*", username: "vault", password: "x",
    connection_url: `postgresql://{{username}}:{{password}}@${database}`,
  });
}
