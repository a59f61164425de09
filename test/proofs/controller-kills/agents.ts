import { setTimeout as pause } from "node:timers/promises";
import type { KubeObject } from "../../../common/kube/kube-api.ts";
import type { Story } from "./story.ts";

const LOOK_MS = 100;

/** What runs in the pods: reads, and then stays, ends or crashes. The fake nodes only say that it runs. */
export async function playAgents(story: Story, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const pod of await story.stage.scene.pods().catch(() => [])) await playAgent(story, pod).catch(() => undefined);
    await pause(LOOK_MS);
  }
}

async function playAgent({ stage, random, threads, read }: Story, pod: KubeObject): Promise<void> {
  const status = pod["status"] as { readonly phase?: string; readonly containerStatuses?: readonly { readonly state?: { readonly running?: unknown } }[] } | undefined;
  if (pod.metadata.deletionTimestamp !== undefined || status?.containerStatuses?.[0]?.state?.running === undefined) return;
  const dice = random();
  if (dice < 0.05) return stage.scene.exits(pod, 1);
  if (dice < 0.6) return undefined;
  const uid = threads.get(stage.scene.threadOf(pod));
  if (uid === undefined) return undefined;
  for (const key of await stage.scene.readAll(uid)) read.set(key, (read.get(key) ?? 0) + 1);
  return dice < 0.9 ? stage.scene.exits(pod, 0) : undefined;
}
