import { describe, expect, test } from "vitest";
import { readPod, selectPod } from "../../../../proxy/cluster/read-pod.ts";
import { aPod, THE_UID, type PodWish } from "../../../support/governed-pods.ts";

const readingOf = (wish: PodWish = {}) => readPod(selectPod(aPod(wish)));
const pod = (wish: PodWish = {}) => {
  const reading = readingOf(wish);
  if (reading.kind !== "governed") throw new Error(`not governed: ${JSON.stringify(reading)}`);
  return reading.pod;
};

const SEARCH = { name: "search", securityContext: { runAsUser: 64_100 } };

describe("a pod", () => {
  test("without a thread is its Agent's, and its own thread", () => {
    expect(pod()).toEqual({
      uid: THE_UID, namespace: "agents", name: "weir-t7", addresses: ["10.1.2.3"], agent: "coder", thread: "weir-t7", user: "", chain: [], grants: null,
      allowance: null, chainAllowances: [], containers: [], labels: { team: "a" }, goneByMs: null,
    });
  });

  test("of a thread is who the controller says", () => {
    const read = pod({
      labels: { "weir.dev/thread": "t7" }, annotations: { user: "ada@example.org", chain: ["agents/lead/t1"], grants: ["github", "other.slack"], identities: { search: 64_100 } },
      containers: [{ name: "agent" }, SEARCH], ips: ["10.1.2.3", "FD00:0::3"], deletionTimestamp: "2026-01-01T00:00:30Z",
    });
    expect(read).toMatchObject({
      thread: "t7", user: "ada@example.org", chain: ["agents/lead/t1"], grants: ["agents.github", "other.slack"], containers: ["search"], addresses: ["10.1.2.3", "fd00::3"],
      goneByMs: Date.UTC(2026, 0, 1, 0, 0, 30),
    });
  });

  test("of a thread that was given an allowance has it, and those of the threads above it", () => {
    const chained = { chain: ["agents/lead/t1"], allowance: { usd: "2000000000" }, chainAllowances: [{ usd: "5000000000", tokens: "9" }] };
    expect(pod({ annotations: chained })).toMatchObject({ allowance: { usd: "2000000000" }, chainAllowances: [{ usd: "5000000000", tokens: "9" }] });
  });

  test("shows policy its labels, but none of Weir's own", () => {
    expect(pod({ labels: { "weir.dev/thread": "t7", tier: "gold" } }).labels).toEqual({ team: "a", tier: "gold" });
  });

  test.each(["Succeeded", "Failed"])("that is %s is over", (phase) => {
    expect(readingOf({ phase })).toEqual({ kind: "over", uid: THE_UID });
  });

  test.each<[string, PodWish, RegExp]>([
    ["has no boundary injected", { annotations: { injected: undefined } }, /no boundary/],
    ["names no Agent", { labels: { "weir.dev/agent": undefined } }, /names no Agent/],
    ["has its node's address", { spec: { hostNetwork: true } }, /node's network/],
    ["has grants that are no JSON", { annotations: { grants: "github" } }, /weir\.dev\/grants is not JSON/],
    ["has grants that are no list", { annotations: { grants: { github: true } } }, /weir\.dev\/grants/],
    ["has a grant that is no name", { annotations: { grants: ["*"] } }, /no name of a grant/],
    ["has a chain of anything", { annotations: { chain: [1] } }, /weir\.dev\/chain/],
    ["has a chain without end", { annotations: { chain: Array.from({ length: 17 }, () => "a/b/c") } }, /weir\.dev\/chain/],
    ["has an allowance of dollars and cents", { annotations: { allowance: { usd: "2.00" } } }, /weir\.dev\/allowance/],
    ["has an allowance of nothing that is counted", { annotations: { allowance: { wishes: "3" } } }, /weir\.dev\/allowance/],
    ["has allowances of another chain than its own", { annotations: { chainAllowances: [{}] } }, /chain-allowances does not fit/],
    ["has a user without end", { annotations: { user: "x".repeat(254) } }, /weir\.dev\/user/],
    ["has an identity below the range of uids", { annotations: { identities: { search: 1_000 } }, containers: [SEARCH] }, /weir\.dev\/identities/],
    ["gives an identity to a container that it does not have", { annotations: { identities: { search: 64_100 } } }, /does not run as its uid/],
    ["gives an identity to a container that runs as somebody else", { annotations: { identities: { search: 64_101 } }, containers: [SEARCH] }, /does not run as its uid/],
    ["gives one uid to two containers", { annotations: { identities: { search: 64_100, shell: 64_100 } }, containers: [SEARCH, { ...SEARCH, name: "shell" }] }, /one uid to two/],
    ["has an address that is none", { ips: ["10.1.2"] }, /not an IP address|address/],
  ])("that %s is nobody", (_what, wish, why) => {
    const reading = readingOf(wish);
    expect(reading).toMatchObject({ kind: "unfit", uid: THE_UID, why: expect.stringMatching(why) as string });
  });

  test("is read alike whether it came whole or as the watch keeps it", () => {
    const whole = aPod({ annotations: { identities: { search: 64_100 } }, containers: [{ name: "agent" }, SEARCH] });
    expect(readPod(selectPod(whole))).toEqual(readPod(whole));
    expect(JSON.stringify(selectPod(whole))).not.toContain("image");
  });
});
