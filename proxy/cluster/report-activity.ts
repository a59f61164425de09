import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { ControllerAddress } from "./controller-client.ts";
import type { InstanceActivity } from "./instance-activity.ts";

/** Where the controller is told; it believes a node proxy only about pods of that proxy's node. */
const ACTIVITY_PATH = "/internal/v1/activity";
/** Instances in one report: more than a node can have pods, and small enough for any limit on a body. */
const REPORT_LIMIT = 1_000;

export interface ActivityReport {
  readonly activity: InstanceActivity;
  readonly lives: (podUid: string) => boolean;
  /** Null while the boundary names no controller. */
  readonly controller: () => ControllerAddress | null;
  readonly post: (to: ControllerAddress, path: string, body: object) => Promise<void>;
  readonly log: Log;
}

/** Tells the controller again and again which instances were active, until the signal aborts; what it did not hear is in the next report. */
export async function reportActivity(report: ActivityReport, intervalMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await reportOnce(report);
  }
}

/** One report, in parts if it is long. Never throws. */
export async function reportOnce({ activity, lives, controller, post, log }: ActivityReport): Promise<void> {
  const to = controller();
  if (to === null) return;
  const news = activity.news(lives);
  for (let at = 0; at < news.length; at += REPORT_LIMIT) {
    const instances = news.slice(at, at + REPORT_LIMIT);
    try {
      await post(to, ACTIVITY_PATH, { instances });
    } catch (error) {
      activity.notTold(instances);
      log.warn("activity.untold", { instances: instances.length, error: describeError(error) });
    }
  }
}
