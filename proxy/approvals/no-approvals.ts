import { EgressError } from "../errors.ts";
import type { Approvals } from "./approvals.ts";

/** Where nobody can be asked: what policy leaves to people fails. */
export const noApprovals: Approvals = {
  ask: async () => { throw new EgressError("approval.unavailable", "there is nobody to ask"); },
  covers: () => false,
};
