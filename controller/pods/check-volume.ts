import { PROXY_AUDIENCE } from "../../common/identity.ts";
import { CONTROLLER_AUDIENCE, POD_PARTS } from "../../common/labels.ts";
import type { ReadVolume } from "../resources/pod.ts";

export const OUR_VOLUMES: readonly string[] = [POD_PARTS.trustVolume, POD_PARTS.identityVolume, POD_PARTS.stateVolume, POD_PARTS.extraCaVolume];
const OUR_AUDIENCES: readonly string[] = [PROXY_AUDIENCE, CONTROLLER_AUDIENCE];

/**
 * Those of the Pod Security Standards, level Restricted, and images. Others are files of the node, or are fetched by the node from a server that the
 * pod names: a way out that no rule of the pod sees.
 */
const KINDS = new Set(["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"]);

/** Why a volume cannot be in a governed pod. */
export function volumeProblems(volume: ReadVolume): string[] {
  const { name, ...source } = volume;
  const foreign = Object.entries(source).filter(([kind, value]) => value !== null && value !== undefined && !KINDS.has(kind)).map(([kind]) => kind);
  const tokens = (volume.projected?.sources ?? []).map((one) => one.serviceAccountToken?.audience ?? "");
  return [
    ...(OUR_VOLUMES.includes(name) ? [`Volume ${name} has a name of the boundary's own volumes; rename it.`] : []),
    ...foreign.map((kind) => `Volume ${name} is a ${kind}: what a node holds or fetches for a pod leads around the boundary; use a persistentVolumeClaim.`),
    ...tokens.filter((audience) => OUR_AUDIENCES.includes(audience)).map((audience) => `Volume ${name} holds a token for ${audience}: only the sidecar may.`),
  ];
}
