import type { Agent } from "../resources/agent.ts";
import type { Thread } from "../resources/thread.ts";
import type { Demand, StartAttempts } from "../threads/thread-store.ts";
import type { KubeObject } from "../../common/kube/kube-api.ts";
import { apply, type Outcome, type Subject } from "./apply.ts";
import type { ClusterView } from "./cluster-view.ts";
import { desire, type Desired } from "./desired.ts";
import { diff, type Action, type Difference } from "./diff.ts";
import { durationMs } from "./duration.ts";
import { fingerprintOf, isAhead, isUnused, lastUseMs, type ThreadFacts } from "./facts.ts";
import type { Fleet, Seeker } from "./fleet.ts";
import { readClaim } from "./owned-objects.ts";
import { readPod } from "./pod-facts.ts";
import type { ReconcilerDeps } from "./ports.ts";
import { removeOrphans } from "./remove-orphans.ts";
import type { ThreadMemories, ThreadMemory } from "./thread-memory.ts";

/** What turns share. */
export interface Turns {
  readonly deps: ReconcilerDeps;
  readonly view: ClusterView;
  readonly fleet: Fleet;
  readonly memories: ThreadMemories;
  /** Other threads that have to be looked at because of this one. */
  enqueue(keys: readonly string[]): void;
}

/** Something under a name that we need: looked at again this often, because nobody tells us when it goes. */
const OBSTACLE_MS = 30_000;

interface Stored {
  readonly demand: Demand;
  readonly starts: StartAttempts | null;
}

interface Turn {
  /** Monotonic; what was signalled later is for the next turn. */
  readonly startedMs: number;
  readonly key: string;
  readonly agentKey: string;
  readonly subject: Subject;
  readonly memory: ThreadMemory;
  readonly facts: ThreadFacts;
}

/** One turn of one thread: facts, what should be, the difference, doing it. @returns milliseconds until the next turn; null: when something changes */
export async function reconcileThread(key: string, turns: Turns, signal: AbortSignal): Promise<number | null> {
  const { view, deps } = turns;
  const reading = view.thread(key)?.reading;
  if (reading === undefined) {
    if (view.pod(key) === null) turns.enqueue(turns.fleet.leave(key));
    turns.memories.forget(key);
    await removeOrphans(key, view, deps, signal);
    return null;
  }
  if (!reading.isReadable) {
    deps.log.warn("reconcile.thread-unreadable", { thread: key, problems: reading.problems });
    return null;
  }
  const { uid } = reading.resource.metadata;
  const startedMs = deps.clock.monotonicMs();
  const [demand, starts] = await Promise.all([deps.store.demand(uid), deps.store.startAttempts(uid)]);
  // From here to the plan nothing waits: what the caches and the fleet say does not change under it.
  const turn = gather(key, turns, { demand, starts }, startedMs);
  if (turn === null) return 1;
  const desired = desire(turn.facts, deps.config);
  const difference = diff(turn.facts, desired, deps.config);
  takePlace(turn, desired, difference, turns);
  const outcome = await applyOrLeave(turn, difference.actions, turns, signal);
  return nextTurnMs(turn, difference, outcome, turns);
}

/** @returns null if the thread went or became another one meanwhile */
function gather(key: string, { view, fleet, memories, enqueue, deps }: Turns, stored: Stored, startedMs: number): Turn | null {
  const seen = view.thread(key);
  if (seen === null || !seen.reading.isReadable || seen.reading.resource.metadata.uid !== stored.demand.threadUid) return null;
  const thread = seen.reading.resource;
  const agentKey = `${thread.metadata.namespace}/${thread.spec.agent}`;
  const agent = view.agent(agentKey);
  const memory = memories.of(key, thread.metadata.uid);
  const pod = podOf(view.pod(key), thread);
  const nowMs = deps.clock.nowMs();
  if (pod !== null && pod.ownership !== "foreign") enqueue(fleet.occupy(key, agentKey, precedenceMs({ demand: stored.demand, pod, nowMs, agent })));
  else if (isUnused({ demand: stored.demand, pod })) fleet.propose({ key, agentKey }, openedMsOf(thread));
  const limits = agent.kind === "present" ? agent.agent.spec.instances : { max: 0, warm: 0 };
  const fingerprint = fingerprintOf(thread, agent);
  const facts: ThreadFacts = {
    nowMs, thread, agent, pod, fingerprint, ...stored,
    claims: view.claims(key).map((claim) => readClaim(claim, thread.metadata.uid)),
    turn: fleet.turnOf(seekerOf(key, agentKey, stored.demand), limits),
    isRegistered: memory.isRegistered,
    obstacle: memory.obstacle !== null && memory.obstacle.untilMs > nowMs ? memory.obstacle.message : null,
    lastPodMadeMs: memory.lastPodMadeMs,
    reported: memory.reported ?? { status: thread.status, writtenAtMs: null },
  };
  // A message may be seen before its signal arrives.
  if (stored.demand.unread > 0) memory.signalAtMs ??= startedMs;
  return { startedMs, key, agentKey, memory, facts, subject: { object: seen.object, thread, agent: definitionOf(facts) } };
}

const definitionOf = ({ agent }: ThreadFacts): Agent | null => (agent.kind === "present" ? agent.agent : null);
const podOf = (pod: KubeObject | null, thread: Thread) => (pod === null ? null : readPod(pod, thread.metadata.uid));
/** An instance that was started ahead is not put behind threads that were opened later before its idle timeout: a burst of them starts no burst of pods. */
function precedenceMs(facts: Pick<ThreadFacts, "demand" | "pod" | "nowMs" | "agent">): number {
  const usedAtMs = lastUseMs(facts);
  const { agent } = facts;
  return isAhead(facts) && agent.kind === "present" && facts.nowMs < usedAtMs + durationMs(agent.agent.spec.idleTimeout) ? Infinity : usedAtMs;
}

/** The API server's stamp has whole seconds: the end of that one, so that nothing that was used before it counts as later. */
export const openedMsOf = ({ metadata }: Thread): number => (Date.parse(metadata.creationTimestamp ?? "") || -999) + 999;
const seekerOf = (key: string, agentKey: string, demand: Demand): Seeker => ({ key, agentKey, oldestUnreadMs: demand.oldestUnreadMs });

/** Before anything is awaited: two threads that decide at the same time must not both take the last place. */
function takePlace({ key, agentKey, facts }: Turn, desired: Desired, { actions }: Difference, { fleet, enqueue }: Turns): void {
  if (facts.pod !== null && facts.pod.ownership !== "foreign") return;
  if (creates(actions)) enqueue(fleet.occupy(key, agentKey, facts.demand.unread > 0 ? facts.nowMs : Infinity));
  else if (desired.reason === "AgentAtMaximum") enqueue(fleet.wait(seekerOf(key, agentKey, facts.demand)));
  // A pod that was made a moment ago may not be in the cache yet: its place is kept.
  else if (desired.reason !== "JustStarted" && !isUnused(facts)) enqueue(fleet.leave(key));
}

async function applyOrLeave(turn: Turn, actions: readonly Action[], turns: Turns, signal: AbortSignal): Promise<Outcome> {
  const { key, memory, subject } = turn;
  let outcome: Outcome = { kind: "obstacle", message: "" };
  try {
    outcome = await apply(actions, subject, turns.deps, signal);
    note(turn, actions, outcome, turns);
    return outcome;
  } finally {
    if (creates(actions) && outcome.kind !== "done" && turns.view.pod(key) === null) turns.enqueue(turns.fleet.leave(key));
    // An earlier action may have changed what a later one was to build on.
    if (outcome.kind !== "done") memory.reported = null;
  }
}

/** What the actions made true, so that the next turn need not ask. */
function note({ startedMs, memory, facts }: Turn, actions: readonly Action[], outcome: Outcome, { deps }: Turns): void {
  if (outcome.kind === "obstacle") memory.obstacle = { message: outcome.message, untilMs: facts.nowMs + OBSTACLE_MS };
  if (actions.some(({ kind }) => kind === "ensure-row")) memory.isRegistered = true;
  const status = actions.find((action) => action.kind === "write-status")?.status;
  if (status !== undefined) memory.reported = { status, writtenAtMs: facts.nowMs };
  memory.seen = messagesSeen(facts.demand);
  if (creates(actions) && outcome.kind === "done") {
    memory.lastPodMadeMs = facts.nowMs;
    if (memory.signalAtMs !== null) deps.metrics.signalToPod(deps.clock.monotonicMs() - memory.signalAtMs);
  }
  // A start that waits because others failed says nothing of how fast signals are served.
  const isAnswered = facts.pod !== null || facts.starts !== null || facts.demand.unread === 0 || creates(actions);
  if (isAnswered && (memory.signalAtMs ?? Infinity) <= startedMs) memory.signalAtMs = null;
}

function nextTurnMs({ facts, memory }: Turn, { wakeAtMs }: Difference, outcome: Outcome, { deps }: Turns): number | null {
  if (outcome.kind !== "done") return 1;
  const obstacleMs = facts.obstacle === null ? Infinity : memory.obstacle?.untilMs ?? Infinity;
  const soonestMs = Math.min(wakeAtMs ?? Infinity, obstacleMs);
  return soonestMs === Infinity ? null : Math.max(1, soonestMs - deps.clock.nowMs());
}

const creates = (actions: readonly Action[]): boolean => actions.some(({ kind }) => kind === "create-pod");

/** Changes when a message came or was acknowledged, the thread was used, or a budget stops it or does not any more. */
export const messagesSeen = ({ unread, oldestUnreadMs, newestUnreadMs, lastActivityMs, exhaustion }: Demand): string =>
  `${unread} ${oldestUnreadMs ?? ""} ${newestUnreadMs ?? ""} ${lastActivityMs ?? ""} ${exhaustion?.reason ?? ""}`;
