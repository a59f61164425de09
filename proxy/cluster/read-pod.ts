import * as z from "zod";
import { addressToBytes, bytesToAddress } from "../../common/address-bytes.ts";
import { qualifiedId } from "../../common/boundary-set.ts";
import type { KubeObject } from "../../common/kube/kube-api.ts";
import { allowance } from "../../common/identity.ts";
import { ANNOTATIONS, FIRST_IDENTITY_UID, GROUP, IDENTITY_CONTAINERS_LIMIT, LABELS } from "../../common/labels.ts";
import { isContainerName } from "../../common/preamble.ts";
import { firstProblem } from "../model/problem.ts";
import type { GovernedPod } from "../model/pods.ts";

/** What a pod of this node is to the boundary: over, governed, or there and not fit to be anybody. */
export type PodReading =
  | { readonly kind: "over"; readonly uid: string }
  | { readonly kind: "governed"; readonly uid: string; readonly pod: GovernedPod }
  | { readonly kind: "unfit"; readonly uid: string; readonly why: string };

const LABELS_LIMIT = 64;
const label = z.string().min(1).max(253);

/** What is read of a pod; the API server vouches for the shape, so that the rest is let through unread. */
const podShape = z.object({
  metadata: z.object({
    name: label, namespace: label, uid: label,
    labels: z.record(z.string(), z.string()).default({}), annotations: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.iso.datetime({ offset: true }).optional(),
  }),
  spec: z.object({
    nodeName: z.string().optional(), hostNetwork: z.boolean().default(false),
    containers: z.array(z.unknown()).default([]), initContainers: z.array(z.unknown()).default([]),
  }),
  status: z.object({ phase: z.string().optional(), podIPs: z.array(z.object({ ip: z.string() })).default([]) }).default({ podIPs: [] }),
});
type PodShape = z.output<typeof podShape>;

const containerShape = z.object({ name: z.string(), securityContext: z.object({ runAsUser: z.int().optional() }).optional() });

/** Annotations are text that people can write; what the boundary believes is read as strictly as a token. */
const annotationShapes = {
  user: z.string().max(253),
  chain: z.array(label).max(16),
  grants: z.array(z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,188}[a-z0-9])?$/, "is no name of a grant")).max(64),
  allowance,
  chainAllowances: z.array(allowance).max(16),
  identities: z.record(
    z.string().refine(isContainerName, "is no name of a container"), z.int().min(FIRST_IDENTITY_UID).max(FIRST_IDENTITY_UID + IDENTITY_CONTAINERS_LIMIT - 1),
  ),
};

/** Keeps of a pod what is read below, and what an informer needs: a node's pods are watched, not remembered. */
export function selectPod({ metadata, spec, status }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, labels, annotations, deletionTimestamp } = metadata;
  const { nodeName, hostNetwork, containers, initContainers } = (spec ?? {}) as Record<string, unknown>;
  const { phase, podIPs } = (status ?? {}) as Record<string, unknown>;
  const kept = { name, namespace, uid, resourceVersion, labels, annotations, deletionTimestamp };
  return {
    metadata: kept as KubeObject["metadata"], status: { phase, podIPs },
    spec: { nodeName, hostNetwork, containers: briefly(containers), initContainers: briefly(initContainers) },
  };
}

function briefly(containers: unknown): unknown {
  if (!Array.isArray(containers)) return undefined;
  return containers.map(({ name, securityContext }: { name?: unknown; securityContext?: { runAsUser?: unknown } }) => (
    { name, securityContext: { runAsUser: securityContext?.runAsUser } }
  ));
}

/** Reads a pod strictly. Pure; whatever is not as the boundary's own injection and the controller write it makes the pod unfit. */
export function readPod(object: KubeObject): PodReading {
  const uid = object.metadata.uid ?? "";
  const shaped = podShape.safeParse(object);
  if (!shaped.success) return { kind: "unfit", uid, why: `the pod cannot be read: ${firstProblem(shaped.error)}` };
  const { phase } = shaped.data.status;
  if (phase === "Succeeded" || phase === "Failed") return { kind: "over", uid };
  try {
    return { kind: "governed", uid, pod: governed(shaped.data) };
  } catch (error) {
    return { kind: "unfit", uid, why: (error as Error).message };
  }
}

/** @throws Error whose message says why the pod is nobody */
function governed({ metadata, spec, status }: PodShape): GovernedPod {
  const { name, namespace, uid, labels, annotations, deletionTimestamp } = metadata;
  const agent = labels[LABELS.agent];
  if (annotations[ANNOTATIONS.injected] === undefined) throw new Error("the pod has no boundary injected");
  if (agent === undefined || agent === "") throw new Error(`the pod names no Agent (label ${LABELS.agent})`);
  if (spec.hostNetwork) throw new Error("the pod uses its node's network and has no address of its own");
  const chain = jsonAnnotation(annotations, "chain", annotationShapes.chain) ?? [];
  const grants = jsonAnnotation(annotations, "grants", annotationShapes.grants);
  const chainAllowances = jsonAnnotation(annotations, "chainAllowances", annotationShapes.chainAllowances) ?? [];
  if (chainAllowances.length > 0 && chainAllowances.length !== chain.length) throw new Error(`annotation ${ANNOTATIONS.chainAllowances} does not fit the chain`);
  const thread = labels[LABELS.thread];
  return {
    uid, namespace, name, agent, chain, labels: shownLabels(labels),
    addresses: status.podIPs.map(({ ip }) => bytesToAddress(addressToBytes(ip))),
    thread: thread === undefined || thread === "" ? name : thread,
    user: readAnnotation("user", annotations[ANNOTATIONS.user] ?? "", annotationShapes.user),
    grants: grants?.map((grant) => (grant.includes(".") ? grant : qualifiedId(namespace, grant))) ?? null,
    allowance: jsonAnnotation(annotations, "allowance", annotationShapes.allowance) ?? null, chainAllowances,
    containers: ownIdentities(spec, annotations),
    goneByMs: deletionTimestamp === undefined ? null : Date.parse(deletionTimestamp),
  };
}

/** A container is itself only if it runs as the one uid that the redirect rules know it by. */
function ownIdentities(spec: PodShape["spec"], annotations: Texts): string[] {
  const identities = Object.entries(jsonAnnotation(annotations, "identities", annotationShapes.identities) ?? {});
  const annotation = `annotation ${ANNOTATIONS.identities}`;
  if (identities.length > IDENTITY_CONTAINERS_LIMIT) throw new Error(`${annotation} names more than ${IDENTITY_CONTAINERS_LIMIT} containers`);
  if (new Set(identities.map(([, uid]) => uid)).size !== identities.length) throw new Error(`${annotation} gives one uid to two containers`);
  const containers = [...spec.containers, ...spec.initContainers].flatMap((container) => containerShape.safeParse(container).data ?? []);
  for (const [name, uid] of identities) {
    const runsAs = containers.find((container) => container.name === name)?.securityContext?.runAsUser;
    if (runsAs !== uid) throw new Error(`container ${name} has an identity of its own and does not run as its uid ${uid}`);
  }
  return identities.map(([name]) => name);
}

type Texts = Readonly<Record<string, string>>;

function jsonAnnotation<T extends z.ZodType>(annotations: Texts, key: Exclude<keyof typeof annotationShapes, "user">, shape: T): z.output<T> | undefined {
  const text = annotations[ANNOTATIONS[key]];
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error(`annotation ${ANNOTATIONS[key]} is not JSON`);
  }
  return readAnnotation(key, json, shape);
}

function readAnnotation<T extends z.ZodType>(key: keyof typeof annotationShapes, value: unknown, shape: T): z.output<T> {
  const read = shape.safeParse(value);
  if (!read.success) throw new Error(`annotation ${ANNOTATIONS[key]}: ${firstProblem(read.error)}`);
  return read.data;
}

/** What policy sees of the pod's labels: not Weir's own, which are facts of the identity already, and no more than a policy can mean. */
function shownLabels(labels: Texts): Record<string, string> {
  const shown = Object.entries(labels).filter(([key]) => !key.startsWith(`${GROUP}/`) && key.length <= 253);
  return Object.fromEntries(shown.toSorted(([one], [other]) => (one < other ? -1 : 1)).slice(0, LABELS_LIMIT));
}
