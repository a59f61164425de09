import { openInformer } from "../../../../common/kube/informer.ts";
import type { Informer, KubeApi, ResourceType } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog } from "../../../../common/log.ts";
import type { LabNamespaces } from "./namespaces.ts";
import { policyRules } from "./policy-rules.ts";

/** Rules that follow the cluster's NetworkPolicies, since the bridge of the pods knows none. */
export interface PolicyEnforcement {
  stop(): Promise<void>;
}

/** Resolves when the rules for what is there now are in place. A change is in place after some 10 ms. @param api is only read with */
export async function enforcePolicies(api: KubeApi, { addresses, run }: LabNamespaces): Promise<PolicyEnforcement> {
  const end = new AbortController();
  const informer = (type: ResourceType) => openInformer(api, type, {}, { log: silentLog });
  const [policies, pods, namespaces] = [informer(TYPES.networkPolicies), informer(TYPES.pods), informer(TYPES.namespaces)] as const;
  const informers: readonly Informer[] = [policies, pods, namespaces];
  const running = informers.map(async (each) => each.run(end.signal));
  await Promise.all(informers.map(async (each) => each.synced(end.signal)));
  let inPlace = "";
  let work: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    const rules = policyRules({ policies: policies.list(), pods: pods.list(), namespaces: namespaces.list() }, addresses);
    if (rules === inPlace || end.signal.aborted) return;
    inPlace = rules;
    // A rule set that nft refuses leaves the one before it; the next change tries again, and the test says what it misses.
    await run(["nft", "-f", "-"], rules).catch((error: unknown) => { inPlace = ""; process.stderr.write(`network policies: ${String(error)}\n`); });
  };
  const schedule = (): void => { work = work.then(write); };
  for (const each of informers) each.onChange(schedule);
  await write();
  return {
    stop: async () => {
      end.abort();
      await Promise.all([...running, work]);
    },
  };
}
