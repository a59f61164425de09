import { setTimeout as pause } from "node:timers/promises";
import { Pool, type PoolClient, type PoolConfig } from "pg";
import { describeError } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import { listenOn } from "./postgres-notices.ts";
import { StoreUnavailable, type Row, type SqlDriver, type Statements } from "./sql-driver.ts";

/** A server that restarts is back within seconds; whoever called does not wait longer than this for it. */
const RETRY_PAUSES_MS = [50, 250, 1_000] as const;
/** How much later than the server this side gives a statement up. */
const ANSWER_GRACE_MS = 2_000;
const IDLE_CONNECTION_MS = 60_000;

export interface PostgresSettings {
  /** As the server's own views and logs call us. */
  readonly applicationName: string;
  /** Most connections at a time; one more listens for notices. */
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** Longest time of one statement, or wait for one lock. */
  readonly statementTimeoutMs: number;
}

/** PostgreSQL across the network: a pool of connections, and one that listens. Connects when it is first asked. */
export function openPostgres(url: string, settings: PostgresSettings, log: Log): SqlDriver {
  const options = connectionOptions(url, settings);
  const pool = new Pool(options);
  // A connection that dies in the pool is no failure of anybody's call.
  pool.on("error", (error) => { log.warn("sql.connection.lost", { error: describeError(error) }); });
  // Nor does one that dies between the statements of a transaction end the program: the next statement fails by it.
  pool.on("connect", (client) => { client.on("error", () => undefined); });
  return {
    query: async (text, values = []) => withRetry(async () => runOn(pool, text, values)),
    transaction: async (work) => withRetry(async () => inTransaction(pool, work)),
    listen: async (channel, onNotice) => listenOn(options, { channel, onNotice, log }),
    close: async () => pool.end(),
  };
}

function connectionOptions(url: string, settings: PostgresSettings): PoolConfig {
  return {
    connectionString: url,
    application_name: settings.applicationName,
    max: settings.maxConnections,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    statement_timeout: settings.statementTimeoutMs,
    lock_timeout: settings.statementTimeoutMs,
    idle_in_transaction_session_timeout: settings.statementTimeoutMs,
    query_timeout: settings.statementTimeoutMs + ANSWER_GRACE_MS,
    keepAlive: true,
  };
}

async function runOn(executor: Pool | PoolClient, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
  return (await executor.query<Record<string, unknown>>({ ...nameOf(text), text, values: [...values] })).rows;
}

/** Statements have names, so that a connection parses and plans each once: half of what a short one costs. Names mean the same on all connections. */
const names = new Map<string, string>();
const NAMES_LIMIT = 500;

function nameOf(text: string): { readonly name?: string } {
  const known = names.get(text);
  if (known !== undefined) return { name: known };
  if (names.size >= NAMES_LIMIT) return {};
  names.set(text, `weir_${names.size}`);
  return nameOf(text);
}

async function inTransaction<T>(pool: Pool, work: (statements: Statements) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let isSound = false;
  try {
    await client.query("begin");
    const result = await work({ query: async (text, values = []) => runOn(client, text, values) });
    await commit(client);
    isSound = true;
    return result;
  } catch (error) {
    isSound = !isConnectionLoss(error) && await client.query("rollback").then(() => true, () => false);
    throw error;
  } finally {
    client.release(!isSound);
  }
}

/** Whether a commit that got no answer took place is not known: such a transaction is never run again. */
async function commit(client: PoolClient): Promise<void> {
  try {
    await client.query("commit");
  } catch (cause) {
    if (isConnectionLoss(cause)) throw new StoreUnavailable("the connection was lost while a change was committed", { cause });
    throw cause;
  }
}

async function withRetry<T>(attempt: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      const pauseMs = RETRY_PAUSES_MS[failures];
      if (!isConnectionLoss(error) && !isDeadline(error) && !isConflict(error)) throw error;
      if (pauseMs === undefined || isDeadline(error)) throw new StoreUnavailable("the database does not answer in time", { cause: error });
      await pause(pauseMs);
    }
  }
}

/** What the server gave up: a statement or a wait for a lock that took too long. It was rolled back. */
function isDeadline(error: unknown): boolean {
  return ["57014", "55P03"].includes(codeOf(error));
}

/** The server rolled it back for the sake of another transaction (serialization failure, deadlock): it may succeed now. */
function isConflict(error: unknown): boolean {
  return ["40001", "40P01"].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Classes 08, 57P (shutting down, starting up) and 53300 of PostgreSQL's error codes, errors of sockets, and what the client says without a code. */
function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof StoreUnavailable) return false;
  const code = codeOf(error);
  return code === "" ? LOST_MESSAGE.test(error.message) : LOST_CODE.test(code);
}
const LOST_CODE = /^(08...|57P0[123]|53300|E[A-Z]+)$/;
const LOST_MESSAGE = /connection (terminated|ended|timeout|error)|timeout exceeded when trying to connect|query read timeout|not queryable/i;
