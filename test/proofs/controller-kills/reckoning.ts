import { setTimeout as pause } from "node:timers/promises";
import type { KubeObject } from "../../../common/kube/kube-api.ts";
import type { Story } from "./story.ts";

const DEADLINE_MS = 180_000;
const LOOK_MS = 200;

/** Waits until every message is read. @returns what is wrong, in sentences */
export async function unreadInTheEnd({ sending, taken, deleted, read }: Story): Promise<readonly string[]> {
  await Promise.all(sending);
  const missing = () => [...taken].filter(([key, uid]) => !deleted.has(uid) && !read.has(key)).map(([key]) => key);
  await settled(async () => missing().length === 0);
  return missing().map((key) => `the message ${key} was never read`);
}

/** Deletes every thread, and waits until nothing is left of any of them. @returns what is wrong, in sentences */
export async function leftInTheEnd({ stage, threads, deleted }: Story): Promise<readonly string[]> {
  for (const [name, uid] of threads) {
    deleted.add(uid);
    await stage.scene.deleteThread(name);
  }
  const named = (kind: string, objects: readonly KubeObject[]) => objects.map(({ metadata }) => `${kind} ${metadata.name} is left`);
  const left = async () => [
    ...named("the thread", await stage.scene.threads()), ...named("the pod", await stage.scene.pods()), ...named("the claim", await stage.scene.claims()),
    ...(await Promise.all([...deleted].map(async (uid) => stage.store.thread(uid)))).filter((row) => row !== null).map(({ name }) => `the row of ${name} is left`),
  ];
  await settled(async () => (await left()).length === 0);
  return left();
}

async function settled(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  while (!deadline.aborted && !await isSo()) await pause(LOOK_MS);
}
