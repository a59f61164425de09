import { setTimeout as pause } from "node:timers/promises";
import { PostRefused } from "../../support/kube/thread-stage.ts";
import { THREADS, type Story } from "./story.ts";

const RETRY_MS = 100;

/** Some messages come; now and then a thread goes, and another takes its name. */
export async function disturb(story: Story, round: number): Promise<void> {
  const { random, threads, deleted, stage } = story;
  for (const [name, uid] of [...threads]) {
    if (random() < 0.03) {
      threads.delete(name);
      deleted.add(uid);
      await stage.scene.deleteThread(name);
    } else if (random() < 0.4) {
      const sending: Promise<void> = send(story, { name, uid }, `${name}.${round}`).finally(() => story.sending.delete(sending));
      story.sending.add(sending);
    }
  }
  for (let index = 0; index < THREADS; index += 1) await openThread(story, `thread-${index}`);
}

/** Nothing happens while the last one of the name is still on its way out. */
export async function openThread({ stage, threads }: Story, name: string): Promise<void> {
  if (threads.has(name)) return;
  const uid = await stage.scene.thread(name).catch(() => null);
  if (uid !== null) threads.set(name, uid);
}

/** As a client does: again under the same key, to whichever controller answers, until one says that it was taken. */
async function send(story: Story, { name, uid }: { readonly name: string; readonly uid: string }, key: string): Promise<void> {
  const { stage, random, deleted, taken } = story;
  while (!deleted.has(uid)) {
    const serving = stage.controllers.filter(({ ports }) => ports !== null);
    const controller = serving[Math.floor(random() * serving.length)];
    try {
      if (controller !== undefined) {
        await stage.post(name, key, controller);
        taken.set(key, uid);
        return;
      }
    } catch (error) {
      // The thread may be missing from a cache that is a moment behind; any other refusal would be one of this proof's own making.
      if (error instanceof PostRefused && error.status < 500 && ![404, 409, 429].includes(error.status)) throw error;
    }
    await pause(RETRY_MS);
  }
}
