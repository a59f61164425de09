import * as z from "zod";
import { KubeError, type KubeObject, type ObjectRef } from "../../common/kube/kube-api.ts";

/** What a Lease (coordination.k8s.io/v1) says. Its times are by another's clock and therefore for people only. */
export interface LeaseRecord {
  /** Empty if nobody holds it. */
  readonly holder: string;
  readonly durationMs: number;
  /** Terms that began so far. */
  readonly transitions: number;
  /** Other than at the last look: somebody has renewed. */
  readonly version: string;
  readonly object: KubeObject;
}

const leaseShape = z.looseObject({
  holderIdentity: z.string().max(1_024).default(""),
  leaseDurationSeconds: z.number().int().min(1).max(86_400).default(1),
  leaseTransitions: z.number().int().min(0).default(0),
});

/** @throws KubeError 0 `Malformed` */
export function readLease(object: KubeObject): LeaseRecord {
  const spec = leaseShape.safeParse(object["spec"] ?? {});
  const { resourceVersion, uid } = object.metadata;
  if (!spec.success || resourceVersion === undefined) throw new KubeError(0, "Malformed", `the Lease ${object.metadata.name} cannot be read`);
  const { holderIdentity: holder, leaseDurationSeconds, leaseTransitions: transitions } = spec.data;
  return { holder, durationMs: leaseDurationSeconds * 1_000, transitions, version: `${uid ?? ""}/${resourceVersion}`, object };
}

export interface Holding {
  readonly holder: string;
  readonly durationMs: number;
  readonly transitions: number;
  readonly nowMs: number;
}

/** A Lease that does not exist yet. */
export function newLease(ref: ObjectRef, holding: Holding): KubeObject {
  return { metadata: { ...ref }, spec: specOf(holding, true) };
}

/**
 * The Lease as it was, with the holding's fields; its resourceVersion makes the write fail if anything has changed since.
 * @param isNewTerm sets when it was acquired
 */
export function changedLease(before: KubeObject, holding: Holding, isNewTerm: boolean): KubeObject {
  return { ...before, spec: { ...before["spec"] as object | undefined, ...specOf(holding, isNewTerm) } };
}

function specOf({ holder, durationMs, transitions, nowMs }: Holding, isNewTerm: boolean): Record<string, unknown> {
  // MicroTime has six digits.
  const now = new Date(nowMs).toISOString().replace("Z", "000Z");
  const fields = { holderIdentity: holder, leaseDurationSeconds: durationMs / 1_000, leaseTransitions: transitions, renewTime: now };
  return isNewTerm ? { ...fields, acquireTime: now } : fields;
}
