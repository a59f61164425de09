import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";

export const STORAGE_CLASS = "lab";
const VOLUMES = 40;

/**
 * The default storage class and its volumes: folders of the node that anybody may write to, waiting for claims of up to 10 GiB. Each is used
 * by one claim and then no more.
 */
export async function labVolumes(folder: string): Promise<object[]> {
  const storageClass = {
    apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: STORAGE_CLASS, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    provisioner: "kubernetes.io/no-provisioner", volumeBindingMode: "WaitForFirstConsumer", reclaimPolicy: "Retain",
  };
  const volumes = await Promise.all(Array.from({ length: VOLUMES }, async (_, index) => {
    const path = join(folder, "volumes", String(index));
    await mkdir(path, { recursive: true });
    // The kubelet changes no owner of a hostPath, whatever fsGroup says.
    await chmod(path, 0o777);
    return {
      apiVersion: "v1", kind: "PersistentVolume", metadata: { name: `lab-${index}` },
      spec: { storageClassName: STORAGE_CLASS, capacity: { storage: "10Gi" }, accessModes: ["ReadWriteOnce", "ReadWriteMany"], persistentVolumeReclaimPolicy: "Retain", hostPath: { path, type: "Directory" } },
    };
  }));
  return [storageClass, ...volumes];
}
