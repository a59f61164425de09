import { setTimeout as pause } from "node:timers/promises";
import { provideVolumes } from "../support/kube/fake-volumes.ts";
import { ThreadStage } from "../support/kube/thread-stage.ts";
import { seeded, type ProofOptions, type ProofResult } from "../support/proof.ts";
import { playAgents } from "./controller-kills/agents.ts";
import { killOrFreeze } from "./controller-kills/fates.ts";
import { leftInTheEnd, unreadInTheEnd } from "./controller-kills/reckoning.ts";
import { type Story, THREADS } from "./controller-kills/story.ts";
import { disturb, openThread } from "./controller-kills/writers.ts";

const KILLS = { quick: 12, full: 1_000 } as const;
/** On a slow machine the full form ends with fewer kills; the figure says how many. */
const LONGEST_MS = 40 * 60_000;
const REPLICAS = 2;
/** Fewer than threads, so that some always wait for their turn. */
const INSTANCES = 8;
/** The default proportions at a seventh of their length: more terms begin and end in the same time. */
const LEADER = { writeTimeoutMs: 500, leader: { leaseDurationMs: 2_000, renewDeadlineMs: 1_500, retryPeriodMs: 200 } };
/** A failed start is tried again soon, a lost signal and a stray row are found soon: more happens between two kills. */
const RECONCILE = { startBackoffMs: [300, 600], startAttempts: 1_000, pollIntervalMs: 1_000, resyncIntervalMs: 5_000, minStartIntervalMs: 50 };
const REPORT_EVERY = 50;

/**
 * Two controllers as the chart sets them up are killed at random moments, alone and together, or stand still for a while, whichever of them leads.
 * Meanwhile messages come through their API, agents read, crash and leave, and threads are deleted and made again under the same name. No thread
 * ever has two pods; every message that was taken is read once, unless its thread was deleted; and when all threads are deleted nothing is left
 * of them: no pod, no claim, no row.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const kills = quick ? KILLS.quick : KILLS.full;
  const stage = await ThreadStage.open(3, { kube: LEADER, reconcile: RECONCILE });
  const story: Story = { stage, random: seeded(seed), threads: new Map(), deleted: new Set(), sending: new Set(), taken: new Map(), read: new Map(), kills: 0, freezes: 0 };
  const end = new AbortController();
  const players = Promise.all([playAgents(story, end.signal), provideVolumes(stage.plane.api, stage.scene.namespace, end.signal)]);
  try {
    await stage.scene.agent("helper", { instances: { max: INSTANCES }, idleTimeout: "10s", volumes: [{ name: "work", mountPath: "/work" }] });
    await Promise.all(Array.from({ length: REPLICAS }, async () => stage.startController().ready));
    for (let index = 0; index < THREADS; index += 1) await openThread(story, `thread-${index}`);
    await tellUntil(story, kills, print);
    const left = [...await unreadInTheEnd(story), ...await leftInTheEnd(story)];
    return judge(story, left, print);
  } finally {
    end.abort();
    await players;
    await stage.stop();
  }
}

async function tellUntil(story: Story, kills: number, print: (line: string) => void): Promise<void> {
  let told = 0;
  const late = AbortSignal.timeout(LONGEST_MS);
  for (let round = 1; story.kills < kills && !late.aborted; round += 1) {
    await disturb(story, round);
    await killOrFreeze(story);
    while (story.stage.controllers.length < REPLICAS) story.stage.startController();
    if (story.kills - told >= REPORT_EVERY) {
      told = story.kills;
      print(`  ${told} kills, ${story.freezes} freezes, ${story.stage.witness.made} pods, ${story.read.size} of ${story.taken.size} messages read`);
    }
  }
  // Whoever is left has to bring everything to its end.
  await Promise.all(story.stage.controllers.map(async ({ ready }) => ready));
  while (await story.stage.leader() === null) await pause(100);
}

function judge({ stage, taken, read, deleted, kills, freezes }: Story, left: readonly string[], print: (line: string) => void): ProofResult {
  const { made, violations } = stage.witness;
  const twice = [...read].filter(([, times]) => times > 1).map(([key]) => `the message ${key} was read twice`);
  const wrong = [...violations, ...twice, ...left];
  for (const sentence of wrong.slice(0, 20)) print(`  ${sentence}`);
  print(`  ${made} pods for ${taken.size} messages, ${read.size} of them read, the others deleted with their threads; ${deleted.size} threads deleted`);
  const figure = `${kills} kills, ${freezes} freezes: ${violations.length} second pods, ${twice.length + left.length} messages lost or twice or objects left, `
    + `of ${made} pods and ${taken.size} messages`;
  return { holds: wrong.length === 0 && made > kills / 2 && read.size > 0, figure };
}
