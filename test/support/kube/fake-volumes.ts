import { setTimeout as pause } from "node:timers/promises";
import type { KubeApi, KubeObject, ResourceType } from "../../../common/kube/kube-api.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";

const VOLUMES: ResourceType = { group: "", version: "v1", plural: "persistentvolumes", kind: "PersistentVolume", isNamespaced: false };
const LOOK_MS = 200;

/** Gives each claim of a namespace a volume, and takes it back when the claim is gone, as a provisioner of volumes does. Ends with the signal. */
export async function provideVolumes(api: KubeApi, namespace: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await settle(api, namespace).catch(() => undefined);
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function settle(api: KubeApi, namespace: string): Promise<void> {
  const [claims, volumes] = await Promise.all([api.list(TYPES.claims, { namespace }), api.list(VOLUMES, {})]);
  const uids = new Set(claims.items.map(({ metadata }) => metadata.uid));
  const names = new Set(volumes.items.map(({ metadata }) => metadata.name));
  for (const claim of claims.items) if (!names.has(nameOf(claim))) await api.create(VOLUMES, volumeFor(claim));
  for (const { metadata } of volumes.items) if (!uids.has(metadata.name.slice(PREFIX.length))) await api.remove(VOLUMES, metadata);
}

const PREFIX = "volume-";
const nameOf = (claim: KubeObject): string => `${PREFIX}${claim.metadata.uid}`;

function volumeFor(claim: KubeObject): KubeObject {
  const { name, namespace, uid } = claim.metadata;
  return {
    metadata: { name: nameOf(claim) },
    spec: {
      capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], persistentVolumeReclaimPolicy: "Retain", hostPath: { path: "/nowhere" },
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", name, namespace, uid },
    },
  };
}
