import * as z from "zod";
import { KubeError, type KubeApi, type KubeObject, type ObjectRef } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { LABELS, MANAGED_BY_CONTROLLER, PLATFORM_NAME } from "../../common/labels.ts";
import { issueServerCertificate, newPrivateKey, readSigningCa, selfSignedCa, type PemPair } from "../../common/tls/ca.ts";

const LIFETIME_MS = 10 * 365 * 86_400_000;
const CA_LABEL = "Weir interception CA";

/**
 * The CA that agents trust and node proxies sign with: made once, whichever replica is faster. A Secret that holds something else is not replaced: pods
 * that are running trust the old one.
 * @throws Error if what is there is no CA with its key
 */
export async function ensureBoundaryCa(kube: KubeApi, ref: ObjectRef, nowMs: number, signal: AbortSignal): Promise<PemPair> {
  const found = await kube.get(TYPES.secrets, ref, signal) ?? await create(kube, ref, nowMs, signal);
  const { data } = secret.parse(found);
  const pair = { certPem: Buffer.from(data["tls.crt"], "base64").toString("utf8"), keyPem: Buffer.from(data["tls.key"], "base64").toString("utf8") };
  try {
    readSigningCa(pair, nowMs);
    return pair;
  } catch (error) {
    throw new Error(`the Secret ${ref.name} holds no CA that could be used: ${(error as Error).message}`, { cause: error });
  }
}

const secret = z.looseObject({ data: z.object({ "tls.crt": z.string().min(1).max(65_536), "tls.key": z.string().min(1).max(65_536) }) });

async function create(kube: KubeApi, ref: ObjectRef, nowMs: number, signal: AbortSignal): Promise<KubeObject> {
  const keyPem = newPrivateKey();
  const certPem = selfSignedCa(CA_LABEL, keyPem, { nowMs, lifetimeMs: LIFETIME_MS });
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  try {
    return await kube.create(TYPES.secrets, {
      apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls", data: { "tls.crt": base64(certPem), "tls.key": base64(keyPem) },
      metadata: { ...ref, labels: { [LABELS.managedBy]: MANAGED_BY_CONTROLLER } },
    }, signal);
  } catch (error) {
    const made = error instanceof KubeError && error.status === 409 ? await kube.get(TYPES.secrets, ref, signal) : null;
    if (made === null) throw error;
    return made;
  }
}

/**
 * A certificate for the controller's API, by which agents reach it under {@link PLATFORM_NAME}, and clients in the cluster under its service's names.
 * Made by each replica for itself; to be made again when half of its lifetime is over.
 */
export function issueApiCertificate(boundaryCa: PemPair, names: readonly string[], validity: { readonly nowMs: number; readonly lifetimeMs: number }): PemPair {
  return issueServerCertificate([PLATFORM_NAME, ...names], readSigningCa(boundaryCa, validity.nowMs), validity);
}
