import { expect, test } from "vitest";
import { endInstance } from "../../../../proxy/cluster/end-instance.ts";
import { readPod } from "../../../../proxy/cluster/read-pod.ts";
import type { AgentIdentity } from "../../../../proxy/model/agent.ts";
import { AN_AGENT } from "../../../support/credentials.ts";
import { aPod, THE_UID } from "../../../support/governed-pods.ts";

test("a pod that is over leaves nothing: of itself, of its containers, and nothing of others is touched", async () => {
  const reading = readPod(aPod({ annotations: { identities: { search: 64_100 } }, containers: [{ name: "search", securityContext: { runAsUser: 64_100 } }] }));
  if (reading.kind !== "governed") throw new Error("not governed");
  const trace: string[] = [];
  const isMeant = (instance: string, of: (agent: AgentIdentity) => boolean) => of({ ...AN_AGENT, instance });
  await endInstance(reading.pod, "the pod was deleted", {
    live: { endWhere: (of, reason) => { trace.push(`end ${[THE_UID, `${THE_UID}/search`, "other", `${THE_UID}/shell`].map((instance) => isMeant(instance, of)).join()} ${reason.message}`); } },
    names: { forget: (instance) => { trace.push(`forget ${instance}`); } },
    credentials: { endInstance: async (instance) => { trace.push(`give back ${instance}`); } },
    upstream: { closeInstance: async (instance) => { trace.push(`close ${instance}`); } },
  });
  expect(trace).toEqual([
    "end true,true,false,false the pod was deleted", `forget ${THE_UID}`, `forget ${THE_UID}/search`, `give back ${THE_UID}`, `close ${THE_UID}`,
    `give back ${THE_UID}/search`, `close ${THE_UID}/search`,
  ]);
});
