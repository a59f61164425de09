import { GROUP } from "../../common/labels.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import type { ApiParts } from "./context.ts";
import type { KnownThread } from "./known.ts";

/** Under which the API owns the one field of a Thread's spec that it changes after creation. */
const FIELD_MANAGER = "weir-api";

/** Asks the reconciler to stop the instance that runs now; the next message starts another. The UID keeps it from making a thread that is gone. */
export async function stopThread(parts: ApiParts, { thread: { metadata } }: KnownThread): Promise<void> {
  const { namespace, name, uid } = metadata;
  await parts.kube.apply(TYPES.threads, {
    apiVersion: `${GROUP}/${TYPES.threads.version}`, kind: TYPES.threads.kind, metadata: { namespace, name, uid },
    spec: { stopRequestedAt: new Date(parts.clock.nowMs()).toISOString() },
  }, { fieldManager: FIELD_MANAGER, force: true });
}

/** Deletes the resource, and with it instance and identity; from now on the thread takes no message. */
export async function deleteThread(parts: ApiParts, { thread: { metadata }, row }: KnownThread): Promise<void> {
  await parts.kube.remove(TYPES.threads, { namespace: metadata.namespace, name: metadata.name }, { uid: metadata.uid, propagation: "Background" });
  await parts.store.archiveThread(row.uid, parts.clock.nowMs());
}
