import { describe, expect, test } from "vitest";
import { proofNames } from "../../../../scripts/proof.ts";
import { judge } from "../../../../scripts/verify/report.ts";
import { CLUSTER_PROOFS, excused, impossible, proofTier, readReport, type TierResult } from "../../../../scripts/verify/tiers.ts";

const report = (files: readonly { status: string; tests: readonly string[] }[]) => JSON.stringify({
  numPassedTests: files.flatMap((file) => file.tests).filter((status) => status === "passed").length,
  numFailedTests: files.flatMap((file) => file.tests).filter((status) => status === "failed").length,
  testResults: files.map((file, index) => ({
    name: `file ${index}`, status: file.status, assertionResults: file.tests.map((status, nth) => ({ fullName: `test ${nth}`, status })),
  })),
});

describe("readReport", () => {
  test("counts what passed and names what was left out", () => {
    expect(readReport(report([{ status: "passed", tests: ["passed", "passed", "skipped"] }]), 0, "")).toMatchObject({ passed: 2, failed: 0, skipped: ["test 2"] });
  });

  test("counts each failed test once", () => {
    expect(readReport(report([{ status: "failed", tests: ["passed", "failed", "failed"] }]), 1, "")).toMatchObject({ passed: 1, failed: 2 });
  });

  test("counts a file that does not load as a failure, although none of its tests failed", () => {
    const files = [{ status: "passed", tests: ["passed"] }, { status: "failed", tests: [] }, { status: "failed", tests: ["failed"] }];
    expect(readReport(report(files), 1, "")).toMatchObject({ passed: 1, failed: 2 });
  });

  test("counts an error outside any test as a failure", () => {
    expect(readReport(report([{ status: "passed", tests: ["passed"] }]), 1, "")).toMatchObject({ passed: 1, failed: 1 });
  });

  test.each(["", "{", "[]", "{\"numPassedTests\": 3}"])("takes a report that it cannot read for a failure: %j", (json) => {
    expect(readReport(json, 0, "what was printed")).toMatchObject({ passed: 0, failed: 1, output: "what was printed" });
  });
});

describe("excused", () => {
  const tier = (over: Partial<TierResult>) => excused({ name: "policy", run: async () => ({ passed: 1, failed: 0, skipped: [], note: "", output: "", ...over }) }, "there is no tool");

  test("tells how many tests were left out, and why, instead of counting them", async () => {
    expect(await tier({ skipped: ["a", "b"] }).run()).toMatchObject({ passed: 1, failed: 0, skipped: [], note: "2 not run: there is no tool" });
  });

  test("excuses no failure", async () => {
    expect(await tier({ failed: 1, skipped: ["a"] }).run()).toMatchObject({ failed: 1 });
  });
});

describe("what needs a cluster", () => {
  test("names proofs that there are", () => {
    for (const name of Object.values(CLUSTER_PROOFS).flat()) expect(proofNames()).toContain(name);
  });

  test("is told as left out where it is impossible, and is a failure under CI", async () => {
    const result = await impossible(proofTier("cluster"), "a node needs root").run();
    expect(judge(result, false)).toMatchObject({ passed: 0, failed: 0, skipped: ["a node needs root"] });
    expect(judge(result, true)).toMatchObject({ failed: 1 });
  });
});
