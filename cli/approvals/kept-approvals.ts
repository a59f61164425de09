import { userInfo } from "node:os";
import { join } from "node:path";
import { approvalsFolder } from "../../common/approvals/approvals-folder.ts";
import { LIST_LIMIT } from "../../common/approvals/views.ts";
import { systemClock } from "../../common/clock.ts";
import { openLog } from "../../common/log.ts";
import { openOperatorChain, ThreadApprovals } from "../../proxy/operator.ts";
import type { WeirConfig } from "../config.ts";
import type { KeptApprovals } from "./local-book.ts";

/** What is allowed for threads whether or not a proxy runs. Taking one back is on record in the operator's chain, as adjustments of budgets are. */
export function keptApprovals({ audit, logLevel }: WeirConfig, stateDirectory: string): KeptApprovals {
  const log = openLog("weir", logLevel);
  const open = () => new ThreadApprovals({ directory: approvalsFolder(stateDirectory), limit: LIST_LIMIT, clock: systemClock, log });
  return {
    list: () => open().list(),
    revoke: async (id, reason) => {
      const approvals = open();
      const approval = approvals.get(id);
      if (approval === null) return false;
      const chain = await openOperatorChain(audit, join(stateDirectory, "audit", "operator"), log);
      try {
        const { agent, namespace, thread, rule, by: allowedBy } = approval;
        const fields = { approval: id, agent, namespace, thread, rule, allowed_by: allowedBy, by: `user:${userInfo().username}`, reason };
        await chain.commit({ event: "approval.revoked", outcome: "succeeded", fields });
        return approvals.remove(id);
      } finally {
        await chain.close();
      }
    },
  };
}
