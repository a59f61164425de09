import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { FIRST_IDENTITY_UID } from "../../../common/labels.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { aBoundary } from "../../support/boundaries.ts";
import { ClusterStand } from "../../support/cluster-stand.ts";
import { aPod } from "../../support/governed-pods.ts";
import { MemoryKubeApi } from "../../support/kube/memory-api.ts";
import { MemoryTokens } from "../../support/memory-tokens.ts";
import { mintAuthority } from "../../support/tls-authority.ts";
import { startUpstream } from "../../support/upstream-server.ts";
import { eventually } from "../../support/whole-proxy.ts";

/**
 * A whole node proxy as a process of its own, for a node's network namespace: the API server beside it is in memory, everything else is as on a
 * node. It leaves the pod's token and the boundary's CA in the folder, and its audit chain below `state`; then it prints
 * the UID of the pod.
 */
const [, , folder = "", listenAddress = "", podAddress = ""] = process.argv;
const HOSTS = { "shell.example.test": "agents/coder.shell", "agent.example.test": "agents/coder" };

const authority = await mintAuthority();
const upstream = await startUpstream(await authority.leaf(Object.keys(HOSTS)));
const api = new MemoryKubeApi();
const tokens = await MemoryTokens.of(api);
const stand = await ClusterStand.start({
  api, authority, directory: folder, config: { listen: { address: listenAddress } },
  routes: Object.keys(HOSTS).map((name) => ({ name, port: 443, dialPort: upstream.port })),
});
const pod = await api.create(TYPES.pods, aPod({
  ips: [podAddress], labels: { "weir.dev/thread": "t7" }, annotations: { identities: { shell: FIRST_IDENTITY_UID } },
  containers: [{ name: "agent" }, { name: "shell", securityContext: { runAsUser: FIRST_IDENTITY_UID } }],
}));
const nothing = { grants: [], budgets: [] };
await api.create(TYPES.configMaps, await aBoundary({
  revision: "r1", agents: { "agents/coder": nothing, "agents/coder.shell": nothing },
  hosts: Object.entries(HOSTS).map(([name, agent]) => ({ name, agents: [agent], methods: ["*"] })),
}));
await eventually("the boundary is in force", async () => await stand.readyz() === 200);
writeFileSync(join(folder, "pod-token"), await tokens.for(pod));
writeFileSync(join(folder, "boundary-ca.pem"), stand.proxy.caPem);
process.stdout.write(`${pod.metadata.uid ?? ""}\n`);
