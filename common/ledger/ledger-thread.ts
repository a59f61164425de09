/**
 * The program of the thread that has a machine's database; `threaded-ledger.ts` starts it. The database works inside the thread that asks it: a first
 * start takes seconds, and each change some milliseconds, in which a proxy would carry nothing.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { Log } from "../log.ts";
import { openPgliteLedger } from "./pglite-ledger.ts";
import { answerLedgerCall, OWNER_RIGHTS } from "./store-server.ts";
import type { ThreadAnswer, ThreadCall, ThreadData } from "./threaded-ledger.ts";

const { directory, ttlMs } = workerData as ThreadData;
const say = (answer: ThreadAnswer): void => { parentPort?.postMessage(answer); };
const sayLine = (level: keyof Log) => (event: string, fields: Record<string, unknown> = {}): void => { say({ kind: "logged", level, event, fields }); };
const log: Log = { debug: sayLine("debug"), info: sayLine("info"), warn: sayLine("warn"), error: sayLine("error") };

const store = await openPgliteLedger(directory, ttlMs === undefined ? {} : { ttlMs });

parentPort?.on("message", (asked: ThreadCall) => {
  if (asked.kind === "close") void store.close().finally(() => { parentPort?.close(); });
  else void answerLedgerCall(store, asked, OWNER_RIGHTS, log).then((reply) => { say({ kind: "answered", id: asked.id, reply }); });
});
say({ kind: "opened" });
