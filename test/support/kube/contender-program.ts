import { setTimeout as pause } from "node:timers/promises";
import { openKubeApi } from "../../../common/kube/http-kube-api.ts";
import { accessFromKubeconfig } from "../../../common/kube/kubeconfig.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { silentLog } from "../../../common/log.ts";
import { untilStopSignal } from "../../../common/stop-signal.ts";
import { kubeConfig } from "../../../controller/kube/config.ts";
import { fencedApi } from "../../../controller/kube/fenced-api.ts";
import { lead } from "../../../controller/kube/leader.ts";
import type { Term } from "../../../controller/kube/term.ts";
import type { ContenderSettings, ContenderWrite } from "./contender.ts";

/** A process that leads when it can, and writes as fast as it may while it does: each write is an object of its own, and a line. */
const { kubeconfig, identity, namespace, isFenced, settings } = JSON.parse(process.argv[2] ?? "") as ContenderSettings;
const config = kubeConfig.parse(settings);
const api = openKubeApi(await accessFromKubeconfig(kubeconfig), { writeTimeoutMs: config.writeTimeoutMs });
const stop = new AbortController();
void untilStopSignal(() => undefined).then(() => { stop.abort(); });

/** One that is not fenced believes what it was told when its term began. */
async function work(term: Term, signal: AbortSignal): Promise<void> {
  const target = isFenced ? fencedApi(api, term) : api;
  for (let count = 0; !stop.signal.aborted && (!isFenced || !signal.aborted); count += 1) {
    const beganNs = String(process.hrtime.bigint());
    const name = `entry-${identity}-${term.epoch}-${count}`;
    const wasWritten = await target.create(TYPES.configMaps, { metadata: { namespace, name, labels: { journal: namespace } }, data: { identity, epoch: String(term.epoch) } }, stop.signal)
      .then(() => true, () => false);
    if (wasWritten) process.stdout.write(`${JSON.stringify({ identity, epoch: term.epoch, beganNs, endedNs: String(process.hrtime.bigint()) } satisfies ContenderWrite)}\n`);
    await pause(wasWritten ? 2 : 20);
  }
}

await lead({ api, config, identity, namespace, log: silentLog }, work, stop.signal);
await api.close();
