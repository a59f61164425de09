import { describe, expect, test } from "vitest";
import { silentLog } from "../../../../common/log.ts";
import { InstanceActivity } from "../../../../proxy/cluster/instance-activity.ts";
import { reportOnce, type ActivityReport } from "../../../../proxy/cluster/report-activity.ts";
import { AN_AGENT } from "../../../support/credentials.ts";
import { TestClock } from "../../../support/test-clock.ts";

function stage(over: Partial<ActivityReport> = {}) {
  const activity = new InstanceActivity(new TestClock());
  const posts: { readonly path: string; readonly count: number }[] = [];
  const report: ActivityReport = {
    activity, lives: () => true, controller: () => ({ address: "10.0.0.1", port: 8443 }), log: silentLog,
    post: async (_to, path, body) => { posts.push({ path, count: (body as { instances: unknown[] }).instances.length }); }, ...over,
  };
  const touch = (count: number) => { for (let at = 0; at < count; at += 1) activity.touch({ ...AN_AGENT, pod: `p${at}`, instance: `u${at}` }); };
  return { report, posts, touch };
}

describe("a report of activity", () => {
  test("is not sent without news, nor without a controller, whose news wait", async () => {
    let platform: { address: string; port: number } | null = null;
    const { report, posts, touch } = stage({ controller: () => platform });
    touch(1);
    await reportOnce(report);
    expect(posts).toEqual([]);
    platform = { address: "10.0.0.1", port: 8443 };
    await reportOnce(report);
    await reportOnce(report);
    expect(posts).toEqual([{ path: "/internal/v1/activity", count: 1 }]);
  });

  test("that fails is part of the next one", async () => {
    const posted: number[] = [];
    let isDown = true;
    const { report, touch } = stage({ post: async (_to, _path, body) => { if (isDown) throw new Error("down"); posted.push((body as { instances: unknown[] }).instances.length); } });
    touch(2);
    await reportOnce(report);
    isDown = false;
    touch(1);
    await reportOnce(report);
    expect(posted).toEqual([2]);
  });

  test("of many instances comes in parts", async () => {
    const { report, posts, touch } = stage();
    touch(2_001);
    await reportOnce(report);
    expect(posts.map(({ count }) => count)).toEqual([1_000, 1_000, 1]);
  });
});
