import { LRUCache } from "lru-cache";
import type { Clock } from "../../common/clock.ts";
import type { Informer, KubeApi, KubeObject, ObjectRef } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { EgressError } from "../errors.ts";
import type { GovernedPod, PodClaim, PodDirectory } from "../model/pods.ts";
import { readPod, type PodReading } from "./read-pod.ts";

/** UIDs of pods that are over, so that a token of one is refused without asking anybody. */
const ENDED_LIMIT = 4_096;
/** The API server is asked about one pod at most once in this time, in milliseconds, however many connections come. */
const ASK_INTERVAL_MS = 1_000;
const ASK_LIMIT = 1_024;
const ASK_TIMEOUT_MS = 2_000;
/** A pod that should have been gone for this long and still is there is taken for gone, in milliseconds: nobody runs it any more. */
const OVERDUE_MS = 60_000;

export interface NodePodsOptions {
  readonly informer: Informer;
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly nodeName: string;
  readonly watchSilenceMs: number;
  readonly podWaitMs: number;
}

/** A pod that is over or is somebody else now; what it had open has to end. */
export type OnLeft = (pod: GovernedPod, why: string) => void;

/**
 * The governed pods of this node, by a watch. The watch alone says who lives: what a direct question adds is a quick no, or the knowledge that
 * waiting for the watch is worth while. So nobody is let in whose end the watch would not report.
 */
export class NodePods implements PodDirectory {
  readonly #options: NodePodsOptions;
  readonly #byUid = new Map<string, PodReading>();
  readonly #uidOf = new Map<string, string>();
  readonly #ended: LRUCache<string, true>;
  readonly #asked: LRUCache<string, Promise<PodReading | null>>;
  readonly #waiting = new Set<() => void>();
  readonly #onLeft = new Set<OnLeft>();
  #isSynced = false;

  constructor(options: NodePodsOptions) {
    this.#options = options;
    const perf = { now: () => options.clock.monotonicMs() };
    this.#ended = new LRUCache({ max: ENDED_LIMIT });
    this.#asked = new LRUCache({ max: ASK_LIMIT, ttl: ASK_INTERVAL_MS, perf, ttlResolution: 0 });
    options.informer.onChange((key, object) => { this.#take(key, object); });
  }

  /** Watches until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { informer } = this.#options;
    void informer.synced(signal).then(() => { this.#isSynced = true; }, () => undefined);
    await informer.run(signal);
  }

  /** Whether it can tell who lives now: it has heard everything once, and something lately. */
  get isCurrent(): boolean {
    const { informer, clock, watchSilenceMs } = this.#options;
    return this.#isSynced && clock.monotonicMs() - informer.lastSeenMs <= watchSilenceMs;
  }

  /** The governed pods now. */
  list(): GovernedPod[] {
    return [...this.#byUid.values()].flatMap((reading) => (reading.kind === "governed" ? [reading.pod] : []));
  }

  /** Whether a governed pod with this UID is on this node. */
  lives(uid: string): boolean {
    return this.#byUid.get(uid)?.kind === "governed";
  }

  onLeft(listener: OnLeft): void {
    this.#onLeft.add(listener);
  }

  async find(claim: PodClaim, peerAddress: string, signal: AbortSignal): Promise<GovernedPod> {
    if (claim.node !== this.#options.nodeName) throw rejected(`the token is of a pod on node ${claim.node}`);
    if (!this.isCurrent) throw new EgressError("identity.unavailable", "the API server has not been heard for too long to know which pods live");
    const known = this.#known(claim, peerAddress);
    if (known !== null) return known;
    await this.#mayComeSoon(claim, peerAddress, signal);
    return this.#awaited(claim, peerAddress, signal);
  }

  /** @returns null if the pod, or that address of it, is not known (yet) */
  #known(claim: PodClaim, peerAddress: string): GovernedPod | null {
    if (this.#ended.has(claim.uid)) throw rejected("the pod has ended");
    const reading = this.#byUid.get(claim.uid);
    if (reading === undefined) return null;
    const pod = this.#fit(reading, claim);
    return pod.addresses.includes(peerAddress) ? pod : null;
  }

  /** @throws EgressError `identity.rejected` if the pod is nobody, or another than the token says */
  #fit(reading: PodReading, claim: PodClaim): GovernedPod {
    if (reading.kind === "over") throw rejected("the pod has ended");
    if (reading.kind === "unfit") throw rejected(reading.why);
    const { pod } = reading;
    if (pod.name !== claim.name || pod.namespace !== claim.namespace) throw rejected("the token names another pod than its UID");
    if (pod.goneByMs !== null && this.#options.clock.nowMs() > pod.goneByMs + OVERDUE_MS) throw rejected("the pod was deleted");
    return pod;
  }

  /** Asks the API server whether waiting is worth while. @throws EgressError `identity.rejected | identity.unavailable` */
  async #mayComeSoon(claim: PodClaim, peerAddress: string, signal: AbortSignal): Promise<void> {
    const reading = await this.#ask(claim);
    signal.throwIfAborted();
    if (reading === null || reading.uid !== claim.uid) throw rejected("no such pod runs on this node");
    const { addresses } = this.#fit(reading, claim);
    if (addresses.length > 0 && !addresses.includes(peerAddress)) throw rejected("the peer is not the token's pod");
  }

  #ask({ uid, namespace, name }: PodClaim): Promise<PodReading | null> {
    let asking = this.#asked.get(uid);
    if (asking === undefined) {
      asking = this.#get({ namespace, name });
      asking.catch(() => undefined);
      this.#asked.set(uid, asking);
    }
    return asking;
  }

  async #get(ref: ObjectRef): Promise<PodReading | null> {
    const { api, nodeName } = this.#options;
    try {
      const object = await api.get(TYPES.pods, ref, AbortSignal.timeout(ASK_TIMEOUT_MS));
      const { nodeName: runsOn } = (object?.["spec"] ?? {}) as { nodeName?: string };
      return object === null || runsOn !== nodeName ? null : readPod(object);
    } catch (cause) {
      throw new EgressError("identity.unavailable", "the API server cannot be asked about the pod", { cause });
    }
  }

  /** Waits for the watch to bring what the API server already knows. */
  async #awaited(claim: PodClaim, peerAddress: string, signal: AbortSignal): Promise<GovernedPod> {
    const late = AbortSignal.any([signal, AbortSignal.timeout(this.#options.podWaitMs)]);
    for (;;) {
      const known = this.#known(claim, peerAddress);
      if (known !== null) return known;
      if (late.aborted) {
        signal.throwIfAborted();
        throw new EgressError("identity.unavailable", "the pod, or its address, is not known here yet");
      }
      await this.#changed(late);
    }
  }

  async #changed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal.addEventListener("abort", () => { resolve(); }, { once: true });
    if (signal.aborted) resolve();
    await promise;
    this.#waiting.delete(resolve);
  }

  /** One change, as the watch brings it. */
  #take(key: ObjectRef, object: KubeObject | null): void {
    const name = `${key.namespace ?? ""}/${key.name}`;
    const reading = object === null ? null : readPod(object);
    const uidBefore = this.#uidOf.get(name);
    // Another pod of the same name: the one before is gone, though its end was not seen.
    if (uidBefore !== undefined && uidBefore !== reading?.uid) this.#drop(name, uidBefore, "the pod was deleted");
    if (reading !== null) this.#put(name, reading);
    for (const wake of [...this.#waiting]) wake();
  }

  #put(name: string, reading: PodReading): void {
    if (reading.kind === "over") {
      this.#drop(name, reading.uid, "the pod's containers have ended");
      return;
    }
    const before = this.#byUid.get(reading.uid);
    this.#byUid.set(reading.uid, reading);
    this.#uidOf.set(name, reading.uid);
    if (before?.kind !== "governed") return;
    if (reading.kind === "unfit") this.#tellLeft(before.pod, reading.why);
    else if (reading.kind === "governed" && !isSame(before.pod, reading.pod)) this.#tellLeft(before.pod, "the pod is somebody else now");
  }

  #drop(name: string, uid: string, why: string): void {
    const before = this.#byUid.get(uid);
    this.#byUid.delete(uid);
    this.#uidOf.delete(name);
    this.#ended.set(uid, true);
    if (before?.kind === "governed") this.#tellLeft(before.pod, why);
  }

  #tellLeft(pod: GovernedPod, why: string): void {
    for (const listener of this.#onLeft) listener(pod, why);
  }
}

/** Whether what was identified before still is what it was. An address more is no harm, one less may be another pod's soon. */
function isSame(before: GovernedPod, now: GovernedPod): boolean {
  return who(before) === who(now) && before.addresses.every((address) => now.addresses.includes(address));
}

function who({ agent, thread, user, chain, grants, allowance, chainAllowances, containers }: GovernedPod): string {
  return JSON.stringify([agent, thread, user, chain, grants, allowance, chainAllowances, containers]);
}

function rejected(detail: string): EgressError {
  return new EgressError("identity.rejected", detail);
}
