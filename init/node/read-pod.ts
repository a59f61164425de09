/**
 * in: a pod of the API server · out: what its rules depend on · ends early with: nothing (pure) · next: keep-rules.ts
 */
import { isIP } from "node:net";
import * as z from "zod";
import type { KubeObject } from "../../common/kube/kube-api.ts";
import { ANNOTATIONS, FIRST_IDENTITY_UID, IDENTITY_CONTAINERS_LIMIT } from "../../common/labels.ts";
import { isContainerName } from "../../common/preamble.ts";
import type { IdentityContainer } from "../config.ts";

/** A governed pod, as far as its rules depend on it. */
export interface CapturedPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** One of each family at most. */
  readonly addresses: readonly string[];
  readonly inbound: "none" | "any";
  readonly containers: readonly IdentityContainer[];
}

export type Reading =
  /** Not governed, over, or without an address so far. */
  | { readonly kind: "none" }
  | { readonly kind: "captured"; readonly pod: CapturedPod }
  /** Governed, and written in a way that no rules follow from: its agent waits for ever. */
  | { readonly kind: "unfit"; readonly why: string };

const identities = z.record(z.string().refine(isContainerName, "is no name of a container"), z.int().min(FIRST_IDENTITY_UID).max(FIRST_IDENTITY_UID + IDENTITY_CONTAINERS_LIMIT - 1));
const shape = z.object({
  metadata: z.object({ name: z.string().min(1), namespace: z.string().min(1), uid: z.string().min(1), annotations: z.record(z.string(), z.string()).default({}) }),
  spec: z.object({ hostNetwork: z.boolean().default(false) }).default({ hostNetwork: false }),
  status: z.object({
    phase: z.string().default("Pending"),
    podIPs: z.array(z.object({ ip: z.string().refine((text) => isIP(text) !== 0, "is no address") })).max(2).default([]),
  }).default({ phase: "Pending", podIPs: [] }),
});

/** Keeps of a pod what is read below, and what an informer needs. */
export function selectPod({ metadata, spec, status }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, annotations = {} } = metadata;
  const { hostNetwork } = (spec ?? {}) as Record<string, unknown>;
  const { phase, podIPs } = (status ?? {}) as Record<string, unknown>;
  const ours = Object.fromEntries(Object.entries(annotations).filter(([key]) => READ.has(key)));
  return { metadata: { name, namespace, uid, resourceVersion, annotations: ours } as KubeObject["metadata"], spec: { hostNetwork }, status: { phase, podIPs } };
}

const READ = new Set<string>([ANNOTATIONS.injected, ANNOTATIONS.identities, ANNOTATIONS.inbound]);

export function readPod(object: KubeObject): Reading {
  const read = shape.safeParse(object);
  if (!read.success) return { kind: "unfit", why: `the pod cannot be read: ${read.error.issues[0]?.message ?? ""}` };
  const { metadata: { name, namespace, uid, annotations }, spec, status } = read.data;
  const isOver = status.phase === "Succeeded" || status.phase === "Failed";
  if (annotations[ANNOTATIONS.injected] === undefined || isOver || status.podIPs.length === 0) return { kind: "none" };
  if (spec.hostNetwork) return { kind: "unfit", why: "the pod uses its node's network" };
  const inbound = annotations[ANNOTATIONS.inbound] ?? "none";
  if (inbound !== "none" && inbound !== "any") return { kind: "unfit", why: `annotation ${ANNOTATIONS.inbound} must be any or none` };
  const containers = readIdentities(annotations[ANNOTATIONS.identities]);
  if (containers === null) return { kind: "unfit", why: `annotation ${ANNOTATIONS.identities} must give each container a uid of its own, from ${FIRST_IDENTITY_UID} on` };
  return { kind: "captured", pod: { uid, namespace, name, addresses: status.podIPs.map(({ ip }) => ip), inbound, containers } };
}

/** In the order of their uids: the n-th has the n-th pair of the sidecar's ports (common/ports.ts). @returns null if there is a gap, or it cannot be read */
function readIdentities(text: string | undefined): IdentityContainer[] | null {
  if (text === undefined) return [];
  const read = identities.safeParse(parseJson(text));
  if (!read.success) return null;
  const containers = Object.entries(read.data).map(([name, uid]) => ({ name, uid })).toSorted((one, other) => one.uid - other.uid);
  return containers.every(({ uid }, index) => uid === FIRST_IDENTITY_UID + index) ? containers : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
