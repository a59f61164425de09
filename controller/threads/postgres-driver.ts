import { setTimeout as pause } from "node:timers/promises";
import { Pool, type PoolClient, type PoolConfig } from "pg";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { ThreadsConfig } from "./config.ts";
import { listenOn } from "./postgres-notices.ts";
import type { Row, SqlDriver, Statements } from "./sql-driver.ts";
import { StoreUnavailable } from "./thread-store.ts";

/** A server that restarts is back within seconds; whoever called does not wait longer than this for it. */
const RETRY_PAUSES_MS = [50, 250, 1_000] as const;
/** How much later than the server this side gives a statement up. */
const ANSWER_GRACE_MS = 2_000;
const IDLE_CONNECTION_MS = 60_000;

/** PostgreSQL across the network: a pool of connections, and one that listens. Connects when it is first asked. */
export function openPostgres(url: string, config: ThreadsConfig, log: Log): SqlDriver {
  const options = connectionOptions(url, config);
  const pool = new Pool(options);
  // A connection that dies in the pool is no failure of anybody's call.
  pool.on("error", (error) => { log.warn("threads.connection.lost", { error: describeError(error) }); });
  return {
    query: async (text, values = []) => withRetry(async () => runOn(pool, text, values)),
    transaction: async (work) => withRetry(async () => inTransaction(pool, work)),
    listen: async (channel, onNotice) => listenOn(options, { channel, onNotice, log }),
    close: async () => pool.end(),
  };
}

function connectionOptions(url: string, config: ThreadsConfig): PoolConfig {
  return {
    connectionString: url,
    application_name: "weir-controller",
    max: config.maxConnections,
    connectionTimeoutMillis: config.connectTimeoutMs,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    statement_timeout: config.statementTimeoutMs,
    lock_timeout: config.statementTimeoutMs,
    idle_in_transaction_session_timeout: config.statementTimeoutMs,
    query_timeout: config.statementTimeoutMs + ANSWER_GRACE_MS,
    keepAlive: true,
  };
}

async function runOn(executor: Pool | PoolClient, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
  return (await executor.query<Record<string, unknown>>(text, [...values])).rows;
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
      if (!isConnectionLoss(error) && !isDeadline(error)) throw error;
      if (pauseMs === undefined || isDeadline(error)) throw new StoreUnavailable("the database does not answer in time", { cause: error });
      await pause(pauseMs);
    }
  }
}

/** What the server gave up: a statement or a wait for a lock that took too long, or a deadlock. It was rolled back. */
function isDeadline(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && ["57014", "55P03", "40P01"].includes(error.code);
}

/** Classes 08, 57P (shutting down, starting up) and 53300 of PostgreSQL's error codes, errors of sockets, and what the client says without a code. */
function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof StoreUnavailable) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return code === "" ? LOST_MESSAGE.test(error.message) : LOST_CODE.test(code);
}
const LOST_CODE = /^(08...|57P0[123]|53300|E[A-Z]+)$/;
const LOST_MESSAGE = /connection (terminated|ended|timeout|error)|timeout exceeded when trying to connect|query read timeout|not queryable/i;
