import { setTimeout as pause } from "node:timers/promises";
import type { ControllerProcess } from "../../support/kube/controller-process.ts";
import type { Story } from "./story.ts";

const LONGEST_LIFE_MS = 1_000;
/** Longer than a lease: another leads before the frozen one wakes up. */
const LONGEST_FREEZE_MS = 4_000;
const LEADER_PATIENCE_MS = 10_000;
const LOOK_MS = 50;

/** What becomes of the controllers in one round: mostly the leader is killed at any point of its work, now and then one that has not even begun. */
export async function killOrFreeze(story: Story): Promise<void> {
  const { random, stage } = story;
  const leader = random() < 0.6 ? await awaitLeader(story) : null;
  await pause(random() * LONGEST_LIFE_MS);
  const victim = leader ?? stage.controllers[Math.floor(random() * stage.controllers.length)];
  if (victim === undefined) return;
  const fate = random();
  if (fate < 0.1) await freeze(story, victim);
  else if (fate < 0.35) await Promise.all(stage.controllers.map(async (each) => kill(story, each)));
  else await kill(story, victim);
}

async function kill(story: Story, victim: ControllerProcess): Promise<void> {
  story.kills += 1;
  await victim.kill();
}

/** It does not know of the time in which it stood still. Half of those that wake up may go on; the others are killed where they stand. */
async function freeze(story: Story, victim: ControllerProcess): Promise<void> {
  story.freezes += 1;
  victim.freeze();
  await pause(story.random() * LONGEST_FREEZE_MS);
  if (story.random() < 0.5) await kill(story, victim);
  else victim.thaw();
}

async function awaitLeader({ stage }: Story): Promise<ControllerProcess | null> {
  const deadline = AbortSignal.timeout(LEADER_PATIENCE_MS);
  while (!deadline.aborted) {
    const leader = await stage.leader();
    if (leader !== null) return leader;
    await pause(LOOK_MS);
  }
  return null;
}
