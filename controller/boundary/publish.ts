import { BOUNDARY_CONFIG_MAP, BOUNDARY_KEYS } from "../../common/boundary-set.ts";
import type { KubeApi, KubeObject } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { LABELS, MANAGED_BY_CONTROLLER } from "../../common/labels.ts";
import type { PackedBoundary } from "./pack-boundary.ts";

/** The ConfigMap as it was before anything was computed: what is computed from older resources must not replace what came after. */
export async function readPublished(api: KubeApi, namespace: string, signal: AbortSignal): Promise<KubeObject | null> {
  return api.get(TYPES.configMaps, { namespace, name: BOUNDARY_CONFIG_MAP }, signal);
}

interface Place {
  readonly namespace: string;
  /** What `readPublished` gave. */
  readonly before: KubeObject | null;
}

/**
 * Writes the boundary where the node proxies read it, if it is not there already.
 * @throws KubeError with 409 if somebody wrote since `place.before` was read
 * @returns true if something was written
 */
export async function publishBoundary(api: KubeApi, packed: PackedBoundary, place: Place, signal: AbortSignal): Promise<boolean> {
  const binaryData = { [BOUNDARY_KEYS.bundle]: packed.bundle.toString("base64"), [BOUNDARY_KEYS.set]: packed.set.toString("base64") };
  const { before, namespace } = place;
  if (before !== null && holds(before, binaryData)) return false;
  const object: KubeObject = {
    apiVersion: "v1", kind: "ConfigMap",
    metadata: {
      name: BOUNDARY_CONFIG_MAP, namespace,
      labels: { ...before?.metadata.labels, [LABELS.managedBy]: MANAGED_BY_CONTROLLER },
      ...(before?.metadata.annotations === undefined ? {} : { annotations: before.metadata.annotations }),
      ...(before?.metadata.resourceVersion === undefined ? {} : { resourceVersion: before.metadata.resourceVersion }),
    },
    binaryData,
  };
  if (before === null) await api.create(TYPES.configMaps, object, signal);
  else await api.replace(TYPES.configMaps, object, {}, signal);
  return true;
}

function holds(object: KubeObject, wanted: Readonly<Record<string, string>>): boolean {
  const held = object["binaryData"] as Readonly<Record<string, unknown>> | undefined;
  return Object.entries(wanted).every(([key, value]) => held?.[key] === value);
}
