/**
 * A process that keeps a machine's ledger: `node ledger-host.ts DIRECTORY CLAIM`. It makes one claim (JSON, as on the wire), says `held`, and stays until
 * it is killed.
 */
import { writeSync } from "node:fs";
import * as z from "zod";
import { MachineLedger } from "../../common/ledger/machine-ledger.ts";
import { LEDGER_CALLS } from "../../common/ledger/wire.ts";
import { silentLog } from "../../common/log.ts";

const [directory = "", said = ""] = process.argv.slice(2);
const { holder, claims } = z.parse(LEDGER_CALLS.acquire.asks, JSON.parse(said));
const { kind } = await new MachineLedger(directory, {}, silentLog).acquire(holder, claims);
writeSync(1, kind === "granted" ? "held\n" : "short\n");
