import type { Governance } from "../../controller/pods/governance.ts";
import type { PodSettings } from "../../controller/pods/pod-settings.ts";
import { pod, type ReadContainer, type ReadPod } from "../../controller/resources/pod.ts";

export const POD_SETTINGS: PodSettings = {
  images: { init: "weir.test/weir-init:1", sidecar: "weir.test/weir-sidecar:1", pullPolicy: "IfNotPresent" },
  proxy: { addresses: ["10.79.96.7"], port: 15_008 },
  caPem: "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
  redirect: "init",
  tokenLifetimeSeconds: 3_600,
  controllerUser: "system:serviceaccount:weir:weir-controller",
};

export function aGovernance(changes: Partial<Governance> = {}): Governance {
  return { agentName: "coder", identities: [], trust: { mountSystemBundle: true }, inbound: "none", settings: POD_SETTINGS, ...changes };
}

export function aContainer(changes: Partial<ReadContainer> = {}): ReadContainer {
  return { name: "app", image: "app:1", ...changes };
}

/** A pod as a user would write it. */
export function aPod(spec: Partial<ReadPod["spec"]> = {}, metadata: Partial<ReadPod["metadata"]> = {}): ReadPod {
  return pod.parse({
    apiVersion: "v1", kind: "Pod",
    metadata: { name: "app-1", namespace: "team", labels: { "weir.dev/inject": "enabled", "weir.dev/agent": "coder" }, ...metadata },
    spec: { containers: [aContainer()], ...spec },
  });
}
