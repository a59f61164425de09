import type { ProofOptions, ProofResult } from "../support/proof.ts";
import { governAnyPod, testRelease } from "./cluster/any-pod.ts";
import { converse } from "./cluster/conversation.ts";
import { measureFirstBytes, percentile } from "./cluster/first-byte.ts";
import { playPlaybook } from "./cluster/playbook.ts";
import { killProxy } from "./cluster/proxy-killed.ts";
import { sleepAndWake } from "./cluster/sleep-and-wake.ts";
import { openClusterStage } from "./cluster/stage.ts";
import { Story } from "./cluster/story.ts";

/**
 * The whole story on a real node, installed by the chart from this checkout: a message wakes an agent, it calls an HTTPS API with a credential
 * from OpenBao that it never sees, idleness ends its pod and its identity, the next message finds the same workspace; a plain Deployment is
 * governed by two labels; without the node proxy nothing gets out. How long a message takes to the agent's first request is measured.
 */
export async function run({ quick, print }: ProofOptions): Promise<ProofResult> {
  const story = new Story(print);
  const stage = await openClusterStage(print);
  let backAfterSeconds = Number.NaN;
  let firstBytesMs: readonly number[] = [];
  try {
    await story.scene("a message wakes an agent, which lends its credential", async () => converse(stage, story));
    await Promise.all([
      story.scene("idle, its pod and identity go; the next message finds its workspace", async () => sleepAndWake(stage, story)),
      story.scene("a Deployment is governed by two labels, NET_ADMIN is refused", async () => governAnyPod(stage, story)),
      story.scene("a job that fails spawns an agent with one right more", async () => playPlaybook(stage, story)),
      story.scene("helm test passes", async () => testRelease(stage, story)),
    ]);
    await story.scene("no egress without the node proxy", async () => { backAfterSeconds = await killProxy(stage, story); });
    await stage.kubectl("delete", "deployment", "importer");
    await story.scene("messages to first requests", async () => { firstBytesMs = await measureFirstBytes(stage, quick ? 5 : 30); });
  } finally {
    await stage.stop();
  }
  const seconds = (share: number) => (percentile(firstBytesMs, share) / 1_000).toFixed(2);
  const speed = `message to the agent's first request p50 ${seconds(0.5)} s, p95 ${seconds(0.95)} s (n=${firstBytesMs.length})`;
  return { holds: story.holds(), figure: `${story.figure()}; ${speed}; egress again ${backAfterSeconds.toFixed(1)} s after the proxy was killed` };
}
