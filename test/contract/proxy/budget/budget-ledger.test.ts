import { MemoryLedger } from "../../../../proxy/budget/memory-ledger.ts";
import { describeLedger } from "./budget-ledger-contract.ts";

describeLedger("memory", (config, clock) => new MemoryLedger(config, clock));
