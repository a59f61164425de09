import type { LedgerLine } from "../../common/ledger/store-client.ts";
import { ANSWER_LIMIT_BYTES } from "../../common/ledger/wire.ts";
import type { ControllerAddress, ControllerClient } from "./controller-client.ts";

/** Where the controller answers the calls of ledgers; it takes them from node proxies alone. */
const LEDGER_PATH = "/internal/v1/ledger/";

/**
 * The way to the ledger that the controller keeps for all node proxies.
 * @param controller null while the boundary names no controller: there is no answer then
 */
export function controllerLine(client: Pick<ControllerClient, "ask">, controller: () => ControllerAddress | null): LedgerLine {
  return {
    send: async (call, body) => {
      const to = controller();
      if (to === null) throw new Error("no boundary names a controller yet");
      return client.ask(to, { path: `${LEDGER_PATH}${call}`, body, limitBytes: ANSWER_LIMIT_BYTES });
    },
    // The client is the cluster room's, and closed with it.
    close: async () => {},
  };
}
