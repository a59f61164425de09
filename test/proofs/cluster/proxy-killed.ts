import { RELEASE } from "../../support/kube/chart.ts";
import { BEAT } from "./any-pod.ts";
import type { ClusterStage } from "./stage.ts";
import { until, type Story } from "./story.ts";

const DEADLINE_MS = 60_000;

/** The node proxy's pod is killed under a program that calls all the time: nothing gets out until the next one is there. @returns seconds until it was */
export async function killProxy(stage: ClusterStage, story: Story): Promise<number> {
  const before = stage.arrived(BEAT).length;
  await until("beats", async () => stage.arrived(BEAT).length > before + 2);
  const killedAtMs = performance.now();
  await stage.lab.kubectl(["--namespace", RELEASE.namespace, "delete", "pod", "--selector=app.kubernetes.io/component=proxy", "--grace-period=0", "--force"]);
  const goneAtMs = performance.now();
  const fails = async () => failedBeats(await stage.kubectl("logs", "deployment/importer", "--container=importer"));
  await until("a beat that fails", async () => (await fails()).size > 0, DEADLINE_MS);
  const back = await until("the first beat after it", async () => stage.arrived(BEAT).find(({ atMs }) => atMs > goneAtMs + 1_000), DEADLINE_MS);
  const [failed, arrived] = [await fails(), new Set(stage.arrived(BEAT).map(({ path }) => Number(path.split("?")[1])))];
  const slipped = [...failed].filter((beat) => arrived.has(beat));
  // One may have been answered when its connection was cut.
  story.must(slipped.length <= 1, `${slipped.length} requests were told that they failed, and arrived`);
  const between = stage.arrived(BEAT).filter(({ atMs }) => atMs > goneAtMs + 200 && atMs < back.atMs).length;
  story.must(between === 0, `${between} requests arrived while there was no proxy`);
  story.must(failed.size > 0, "no request failed while there was no proxy");
  return (back.atMs - killedAtMs) / 1_000;
}

/** Of beat.mjs: `NUMBER 200`, or `NUMBER CODE`. */
function failedBeats(log: string): Set<number> {
  return new Set(log.split("\n").filter((line) => line !== "" && !line.endsWith(" 200")).map((line) => Number(line.split(" ")[0])));
}
