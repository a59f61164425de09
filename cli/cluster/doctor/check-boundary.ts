import { BOUNDARY_CONFIG_MAP } from "../../../common/boundary-set.ts";
import { KubeError } from "../../../common/kube/kube-api.ts";
import { describeError } from "../../../common/lifecycle.ts";
import { finding, type Check } from "./finding.ts";

const LOG = "The controller's log says what keeps it from being written.";

/** Whether there is a boundary for the proxies to put in force. */
export const boundaryCheck: Check = {
  name: "boundary",
  run: async ({ systemNamespace }, facts) => {
    try {
      const boundary = await facts.boundary();
      if (boundary === null) {
        return [finding.fail("boundary", `there is no ConfigMap ${systemNamespace}/${BOUNDARY_CONFIG_MAP}: proxies refuse everything`, LOG)];
      }
      const { revision, agents, grants, budgets, platform } = boundary.set;
      const size = `revision ${revision}: ${Object.keys(agents).length} agents, ${Object.keys(grants).length} grants, ${Object.keys(budgets).length} budgets`;
      if (platform === null) return [finding.warn("boundary", `${size}; it does not say where weir.internal is: agents cannot fetch messages`, LOG)];
      return [finding.ok("boundary", size)];
    } catch (error) {
      if (error instanceof KubeError) throw error;
      return [finding.fail(
        "boundary", `the ConfigMap cannot be used: ${describeError(error)}`,
        "Its content is the controller's alone; deleting it makes the controller write it again.",
      )];
    }
  },
};
