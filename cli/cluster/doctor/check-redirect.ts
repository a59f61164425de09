import * as z from "zod";
import { SEEN_TYPES } from "../seen-types.ts";
import { REDIRECT } from "./facts.ts";
import { finding, type Check } from "./finding.ts";

const count = z.number().default(0);
const daemonSet = z.looseObject({ status: z.looseObject({ desiredNumberScheduled: count, numberReady: count }).prefault({}) });

/** Whether every node has somebody who writes the rules, where that is not left to pods; nothing to say where it is. */
export const redirectCheck: Check = {
  name: "rules by nodes",
  run: async ({ api, systemNamespace }) => {
    const found = await api.get(SEEN_TYPES.daemonSets, { namespace: systemNamespace, name: REDIRECT });
    if (found === null) return [];
    const { desiredNumberScheduled: wanted, numberReady: ready } = daemonSet.parse(found).status;
    if (wanted > 0 && ready >= wanted) return [finding.ok("rules by nodes", `${ready} of ${wanted} ready`)];
    return [finding.fail(
      "rules by nodes", `${ready} of ${wanted} ready: governed pods do not start on the other nodes`,
      `\`kubectl -n ${systemNamespace} logs daemonset/${REDIRECT}\`; pods that wait say \`sidecar.not-captured\` in the log of weir-sidecar.`,
    )];
  },
};
