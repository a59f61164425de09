import { describe, expect, test } from "vitest";
import { InstanceActivity } from "../../../../proxy/cluster/instance-activity.ts";
import { AN_AGENT } from "../../../support/credentials.ts";
import { TestClock } from "../../../support/test-clock.ts";

const agent = (instance: string) => ({ ...AN_AGENT, namespace: "agents", pod: `pod-${instance.split("/", 1)[0]}`, instance });
const all = () => true;

function stage() {
  const clock = new TestClock();
  return { clock, activity: new InstanceActivity(clock) };
}

describe("activity", () => {
  test("is told once, with the time of the last sign", () => {
    const { clock, activity } = stage();
    activity.touch(agent("u1"));
    clock.advance(500);
    activity.touch(agent("u1"));
    expect(activity.news(all)).toEqual([{ podUid: "u1", namespace: "agents", name: "pod-u1", lastActivityMs: clock.nowMs(), exhausted: null }]);
    expect(activity.news(all)).toEqual([]);
  });

  test("says which budget stops the instance, until something of the kind can be paid for again", () => {
    const { activity } = stage();
    const lack = { budget: "team-a.daily", reason: "$2.00 per day", opensAtMs: 7 };
    activity.exhausted(agent("u1"), { ...lack, amounts: { usd: 5n, requests: 1n } });
    expect(activity.news(all)).toMatchObject([{ podUid: "u1", exhausted: lack }]);
    activity.afforded(agent("u1"), { requests: 1n });
    expect(activity.news(all)).toEqual([]);
    activity.afforded(agent("u1"), { usd: 1n, requests: 1n });
    expect(activity.news(all)).toMatchObject([{ podUid: "u1", exhausted: null }]);
    activity.exhausted({ ...AN_AGENT, instance: "no pod" }, { ...lack, amounts: {} });
    expect(activity.news(all)).toEqual([]);
  });

  test("of a container keeps its pod awake", () => {
    const { activity } = stage();
    activity.touch(agent("u1/search"));
    expect(activity.news(all).map(({ podUid }) => podUid)).toEqual(["u1"]);
  });

  test("goes on while an exchange is open, however silent, and ends with it", () => {
    const { clock, activity } = stage();
    const end = activity.begin(agent("u1"));
    for (let report = 0; report < 3; report += 1) {
      clock.advance(10_000);
      expect(activity.news(all).map(({ lastActivityMs }) => lastActivityMs)).toEqual([clock.nowMs()]);
    }
    clock.advance(4_000);
    const endedMs = clock.nowMs();
    end();
    end();
    clock.advance(6_000);
    expect(activity.news(all).map(({ lastActivityMs }) => lastActivityMs)).toEqual([endedMs]);
    expect(activity.news(all)).toEqual([]);
  });

  test("that was not told is told again, as it is by then", () => {
    const { clock, activity } = stage();
    activity.touch(agent("u1"));
    const lost = activity.news(all);
    activity.notTold(lost);
    expect(activity.news(all)).toEqual(lost);
    activity.notTold(lost);
    clock.advance(100);
    activity.touch(agent("u1"));
    expect(activity.news(all).map(({ lastActivityMs }) => lastActivityMs)).toEqual([clock.nowMs()]);
  });

  test("of a pod that is over is forgotten, also if something of it ends later", () => {
    const { activity } = stage();
    const end = activity.begin(agent("u1"));
    expect(activity.news(() => false)).toEqual([]);
    end();
    expect(activity.news(all)).toEqual([]);
  });

  test("of an agent that is no pod's is nobody's business", () => {
    const { activity } = stage();
    activity.touch(AN_AGENT);
    activity.begin(AN_AGENT)();
    expect(activity.news(all)).toEqual([]);
  });
});
