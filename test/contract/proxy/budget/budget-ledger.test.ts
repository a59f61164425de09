import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { describeLedger } from "./budget-ledger-contract.ts";

describeLedger("over memory", async (clock) => openMemoryLedger({ clock }));
