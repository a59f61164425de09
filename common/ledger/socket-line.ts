import { Pool } from "undici";
import type { LedgerLine } from "./store-client.ts";
import { ANSWER_LIMIT_BYTES, LEDGER_PATH } from "./wire.ts";

const CONNECT_TIMEOUT_MS = 1_000;
const CALL_TIMEOUT_MS = 10_000;
const CONNECTIONS = 4;

/** A line to the process that serves the store on this Unix socket. */
export function socketLine(path: string): LedgerLine {
  const pool = new Pool("http://ledger", {
    connections: CONNECTIONS, headersTimeout: CALL_TIMEOUT_MS, bodyTimeout: CALL_TIMEOUT_MS, maxResponseSize: ANSWER_LIMIT_BYTES,
    connect: { socketPath: path, timeout: CONNECT_TIMEOUT_MS },
  });
  return {
    send: async (call, body) => {
      const { statusCode, body: answer } = await pool.request({ method: "POST", path: `${LEDGER_PATH}${call}`, body, headers: { "content-type": "application/json" } });
      return { status: statusCode, body: await answer.text() };
    },
    close: async () => pool.destroy(),
  };
}
