import * as z from "zod";
import type { Clock } from "../../common/clock.ts";
import { GROUP, LABELS } from "../../common/labels.ts";
import { readThread } from "../resources/read.ts";
import { AccessRefused, type Instance, type ServedThread } from "./access.ts";
import type { ClusterObjects } from "./cluster-objects.ts";

const HEADER_LIMIT = 2_048;
const name = z.string().min(1).max(253);

/** What a node proxy says of the instance that it speaks for (INSTANCE_HEADER). */
const claim = z.strictObject({ namespace: name, pod: name, uid: z.string().min(1).max(64), container: name.nullish() });
export type InstanceClaim = z.output<typeof claim>;

/** The part of a Pod that says what it is and whether it lives. */
const pod = z.object({
  metadata: z.object({
    uid: z.string(),
    deletionTimestamp: z.string().optional(),
    labels: z.record(z.string(), z.string()).default({}),
    ownerReferences: z.array(z.object({ apiVersion: z.string(), kind: z.string(), uid: z.string() })).default([]),
  }),
  spec: z.object({ nodeName: z.string().optional() }),
  status: z.object({ phase: z.string().optional() }).default({}),
});
type PodFacts = z.output<typeof pod>;

/** @param header base64url of JSON. @throws AccessRefused if it is not of the agreed form */
export function readInstanceClaim(header: string): InstanceClaim {
  try {
    if (header.length > HEADER_LIMIT || !/^[A-Za-z0-9_-]+$/.test(header)) throw new Error("not base64url");
    return claim.parse(JSON.parse(Buffer.from(header, "base64url").toString("utf8")));
  } catch (cause) {
    const options = { hint: "it is written by node proxies alone", kind: "unauthenticated", cause } as const;
    throw new AccessRefused("instance.malformed", "the instance header cannot be read", options);
  }
}

/**
 * Believes a node proxy about a pod of its own node, as far as the cluster agrees: the pod lives, has that UID, runs on that node, and is an
 * instance of an Agent.
 * @throws AccessRefused naming what does not agree
 */
export async function provenInstance(said: InstanceClaim, node: string, look: { readonly objects: ClusterObjects; readonly clock: Clock }): Promise<Instance> {
  const found = await look.objects.pod({ namespace: said.namespace, name: said.pod });
  const facts = found === null ? null : pod.safeParse(found).data ?? null;
  if (facts === null || facts.metadata.uid !== said.uid) throw refused("instance.unknown", "there is no such pod");
  if (facts.spec.nodeName !== node) throw refused("instance.other-node", "the pod does not run on the node of the proxy that speaks for it");
  if (!lives(facts, look.clock.nowMs())) throw refused("instance.gone", "the pod has ended");
  const agent = facts.metadata.labels[LABELS.agent];
  if (agent === undefined) throw refused("instance.ungoverned", "the pod is no instance of an Agent");
  return {
    kind: "instance", namespace: said.namespace, pod: said.pod, podUid: said.uid, node, agent, container: said.container ?? null,
    thread: await servedThread(facts, agent, { namespace: said.namespace, objects: look.objects }),
  };
}

/** A pod that is being deleted lives until its grace is over: an agent says its last words then. */
function lives(facts: PodFacts, nowMs: number): boolean {
  if (facts.status.phase === "Succeeded" || facts.status.phase === "Failed") return false;
  const { deletionTimestamp } = facts.metadata;
  return deletionTimestamp === undefined || Date.parse(deletionTimestamp) > nowMs;
}

/** A name can be used again: a pod that belongs to an earlier thread of that name does not serve the present one. */
async function servedThread(
  facts: PodFacts, agent: string, where: { readonly namespace: string; readonly objects: ClusterObjects },
): Promise<ServedThread | null> {
  const threadName = facts.metadata.labels[LABELS.thread];
  if (threadName === undefined) return null;
  const found = await where.objects.thread({ namespace: where.namespace, name: threadName });
  const reading = found === null ? null : readThread(found);
  if (reading?.isReadable !== true) throw gone("the thread that the pod was started for is no more");
  const { metadata, spec } = reading.resource;
  // It stays for as long as its finalizer has work to do, and takes no message in that time.
  if (metadata.deletionTimestamp !== undefined) throw gone("the thread that the pod was started for was deleted");
  const owner = facts.metadata.ownerReferences.find(({ apiVersion, kind }) => kind === "Thread" && apiVersion.startsWith(`${GROUP}/`));
  if (spec.agent !== agent || owner?.uid !== metadata.uid) throw gone("the pod was started for another thread");
  const { user, chain, grants = null, allowance = null, chainAllowances = [] } = spec;
  return { uid: metadata.uid, name: metadata.name, user, chain, grants, allowance, chainAllowances };
}

function refused(rule: string, reason: string): AccessRefused {
  return new AccessRefused(rule, reason, { hint: "the proxy of the pod's own node speaks for it, as long as it lives", kind: "unauthenticated" });
}

/** The boundary told the truth; what is missing is what the instance was for. */
function gone(reason: string): AccessRefused {
  return new AccessRefused("instance.no-such-thread", reason, { hint: "end: an instance without its thread has nothing left to do", kind: "gone" });
}
