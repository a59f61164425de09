import { gunzipSync, gzipSync } from "node:zlib";
import { BOUNDARY_CONFIG_MAP, BOUNDARY_KEYS, type BoundarySet } from "../../../common/boundary-set.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { RELEASE } from "./chart.ts";
import type { ControlPlane } from "./control-plane.ts";

/** For `cluster.configMap` of a node proxy. */
export const LED_BOUNDARY = "led-here";

/** What the controller published, led to where it listens here: no address of a service is anywhere without a kube-proxy. */
export async function leadBoundary({ api }: Pick<ControlPlane, "api">, port: number): Promise<void> {
  const object = await api.get(TYPES.configMaps, { namespace: RELEASE.namespace, name: BOUNDARY_CONFIG_MAP }) as { readonly binaryData?: Record<string, string> } | null;
  const packed = object?.binaryData?.[BOUNDARY_KEYS.set] ?? "";
  const set = JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString()) as BoundarySet;
  const led: BoundarySet = { ...set, platform: { address: "127.0.0.1", port } };
  const binaryData = { ...object?.binaryData, [BOUNDARY_KEYS.set]: gzipSync(JSON.stringify(led)).toString("base64") };
  await api.apply(TYPES.configMaps, { metadata: { namespace: RELEASE.namespace, name: LED_BOUNDARY }, binaryData }, { fieldManager: "test", force: true });
}
