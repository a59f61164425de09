import type { Approvals } from "../../proxy/approvals/approvals.ts";
import { EgressError } from "../../proxy/errors.ts";

/** Where nobody can be asked: what policy leaves to people fails. */
export const noApprovals: Approvals = {
  ask: async () => { throw new EgressError("approval.unavailable", "there is nobody to ask"); },
  tellBack: () => {},
  covers: () => false,
};
