import * as z from "zod";
import { KubeError, type KubeApi, type KubeObject, type ObjectRef } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { LABELS, MANAGED_BY_CONTROLLER } from "../../common/labels.ts";
import { readSigningCa } from "../../common/tls/ca.ts";
import type { CertificateState } from "./certificate-state.ts";

const pem = z.string().min(1).max(65_536);
const stored = z.object({
  "ca.crt": pem, "ca.key": pem, "tls.crt": pem, "tls.key": pem,
  "next-ca.crt": pem.optional(), "next-ca.key": pem.optional(), "next-ca-since": z.iso.datetime().optional(),
  "old-ca.crt": pem.optional(), "old-ca-until": z.iso.datetime().optional(),
});
type Stored = z.output<typeof stored>;

/** The Secret as it is in the cluster; `state` is null if what is in it cannot be used. */
export interface StoredCertificates {
  readonly object: KubeObject;
  readonly state: CertificateState | null;
}

export async function readCertificates(kube: KubeApi, ref: ObjectRef, signal: AbortSignal): Promise<StoredCertificates | null> {
  const object = await kube.get(TYPES.secrets, ref, signal);
  return object === null ? null : { object, state: stateIn(object) };
}

export interface CertificateStep {
  /** What was read; null if there was nothing. */
  readonly before: StoredCertificates | null;
  readonly state: CertificateState;
}

/**
 * Writes the state as one change of what was read.
 * @returns false if another replica was faster: read again
 */
export async function writeCertificates(kube: KubeApi, ref: ObjectRef, write: CertificateStep, signal: AbortSignal): Promise<boolean> {
  const data = dataOf(write.state);
  try {
    if (write.before === null) await kube.create(TYPES.secrets, newSecret(ref, data), signal);
    else await kube.replace(TYPES.secrets, { ...write.before.object, data }, {}, signal);
    return true;
  } catch (error) {
    if (error instanceof KubeError && [404, 409].includes(error.status)) return false;
    throw error;
  }
}

function newSecret({ name, namespace }: ObjectRef, data: Record<string, string>): KubeObject {
  return {
    apiVersion: "v1", kind: "Secret", type: "Opaque", data,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: { [LABELS.managedBy]: MANAGED_BY_CONTROLLER } },
  };
}

/** Whoever broke it: it is made anew, because nothing outside of the cluster has to know it. */
function stateIn(object: KubeObject): CertificateState | null {
  const parsed = stored.safeParse(decode(object["data"]));
  if (!parsed.success) return null;
  try {
    const state = fromStored(parsed.data);
    // Whether it can sign at all; how long for is a question of renewal.
    readSigningCa(state.ca, 0);
    return state;
  } catch {
    return null;
  }
}

function fromStored(data: Stored): CertificateState {
  const { "next-ca.crt": nextCrt, "next-ca.key": nextKey, "next-ca-since": since, "old-ca.crt": oldCrt, "old-ca-until": until } = data;
  return {
    ca: { certPem: data["ca.crt"], keyPem: data["ca.key"] },
    nextCa: nextCrt === undefined || nextKey === undefined || since === undefined ? null : { certPem: nextCrt, keyPem: nextKey, sinceMs: Date.parse(since) },
    oldCa: oldCrt === undefined || until === undefined ? null : { certPem: oldCrt, untilMs: Date.parse(until) },
    leaf: { certPem: data["tls.crt"], keyPem: data["tls.key"] },
  };
}

function dataOf({ ca, nextCa, oldCa, leaf }: CertificateState): Record<string, string> {
  const texts: Record<string, string> = {
    "ca.crt": ca.certPem, "ca.key": ca.keyPem, "tls.crt": leaf.certPem, "tls.key": leaf.keyPem,
    ...(nextCa === null ? {} : { "next-ca.crt": nextCa.certPem, "next-ca.key": nextCa.keyPem, "next-ca-since": new Date(nextCa.sinceMs).toISOString() }),
    ...(oldCa === null ? {} : { "old-ca.crt": oldCa.certPem, "old-ca-until": new Date(oldCa.untilMs).toISOString() }),
  };
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]));
}

function decode(data: unknown): Record<string, string> {
  const entries = z.record(z.string(), z.string()).safeParse(data);
  return Object.fromEntries(Object.entries(entries.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]));
}
