import { describe, expect, test } from "vitest";
import { kubeConfig } from "../../../../controller/kube/config.ts";

const problemsOf = (section: object) => kubeConfig.safeParse(section).error?.issues.map(({ path }) => path.join(".")) ?? [];

test("what is delivered leaves no write alive when a lease is over", () => {
  const { writeTimeoutMs, leader } = kubeConfig.parse({});
  expect(leader.leaseDurationMs - 2 * writeTimeoutMs).toBeGreaterThan(leader.retryPeriodMs);
  expect(leader.renewDeadlineMs).toBeLessThan(leader.leaseDurationMs);
});

describe("times that do not fit together are refused where they are wrong", () => {
  test.each<[string, object, string]>([
    ["a deadline that outlives the lease", { leader: { renewDeadlineMs: 15_000 } }, "leader.renewDeadlineMs"],
    ["no room for a second try", { writeTimeoutMs: 100, leader: { retryPeriodMs: 6_000 } }, "leader.retryPeriodMs"],
    ["writes that outlive the lease", { writeTimeoutMs: 6_000 }, "writeTimeoutMs"],
    ["a lease in parts of seconds", { leader: { leaseDurationMs: 15_500 } }, "leader.leaseDurationMs"],
  ])("%s", (_, section, path) => {
    expect(problemsOf(section)).toEqual([path]);
  });
});
