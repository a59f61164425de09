import { RELEASE } from "../../support/kube/chart.ts";
import type { Arrival } from "../../support/kube/outside-world.ts";
import { BEAT } from "./any-pod.ts";
import type { ClusterStage } from "./stage.ts";
import { until, type Story } from "./story.ts";

const NAMESPACE = ["--namespace", RELEASE.namespace] as const;
const PROXY = "--selector=app.kubernetes.io/component=proxy";

/** The node proxy's pod is killed under a program that calls all the time: nothing gets out until the next one is there. @returns seconds until it was */
export async function killProxy(stage: ClusterStage, story: Story): Promise<number> {
  const before = stage.arrived(BEAT).length;
  await until("beats", async () => stage.arrived(BEAT).length > before + 2);
  const last = Math.max(...stage.arrived(BEAT).map(numberOf));
  const killedAtMs = performance.now();
  await stage.lab.kubectl([...NAMESPACE, "delete", "pod", PROXY, "--grace-period=0", "--force"]);
  const beats = await until("a beat that fails, and one after it that does not", async () => {
    const seen = readBeats(await stage.kubectl("logs", "deployment/importer", "--container=importer")).filter(({ number }) => number > last);
    return seen.findLastIndex(({ isFine }) => isFine) > seen.findIndex(({ isFine }) => !isFine) && seen.some(({ isFine }) => !isFine) && seen;
  });
  const arrived = new Set(stage.arrived(BEAT).map(numberOf));
  const failed = beats.filter(({ isFine }) => !isFine);
  // One may have been answered when its connection was cut.
  const slipped = failed.filter(({ number }) => arrived.has(number)).length;
  story.must(slipped <= 1, `${slipped} of ${failed.length} requests were told that they failed, and arrived`);
  const backAtMs = firstAfterGap(stage.arrived(BEAT).map(({ atMs }) => atMs).filter((atMs) => atMs > killedAtMs - 1_000));
  story.must(performance.timeOrigin + backAtMs >= await proxyStartedAtMs(stage), "a request arrived after the pause, and before the next proxy had started");
  return (backAtMs - killedAtMs) / 1_000;
}

function numberOf({ path }: Arrival): number {
  return Number(path.split("?")[1]);
}

/** Of beat.mjs: `NUMBER 200`, or `NUMBER CODE`. */
function readBeats(log: string): { readonly number: number; readonly isFine: boolean }[] {
  return log.split("\n").filter((line) => line !== "").map((line) => ({ number: Number(line.split(" ")[0]), isFine: line.endsWith(" 200") }));
}

/** When the longest silence was over. */
function firstAfterGap(timesMs: readonly number[]): number {
  const gaps = timesMs.slice(1).map((atMs, index) => ({ atMs, lastedMs: atMs - (timesMs[index] ?? atMs) }));
  return gaps.reduce((longest, gap) => (gap.lastedMs > longest.lastedMs ? gap : longest), { atMs: Number.NaN, lastedMs: 0 }).atMs;
}

/** In whole seconds, rounded down, as the API tells it. */
async function proxyStartedAtMs({ lab }: ClusterStage): Promise<number> {
  const times = await lab.kubectl([...NAMESPACE, "get", "pods", PROXY, "--output", "jsonpath={.items[*].status.containerStatuses[0].state.running.startedAt}"]);
  return Date.parse(times.trim());
}
