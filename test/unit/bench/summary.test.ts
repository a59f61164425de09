import { describe, expect, test } from "vitest";
import type { Sample } from "../../../bench/drive.ts";
import { summarize } from "../../../bench/summary.ts";

const sample = (units: number, proxyCpuMicros: number | null, over: Partial<Sample> = {}): Sample =>
  ({ units, proxyCpuMicros, bodyBytes: units * 1000, elapsedMs: 1000, p50Micros: null, p99Micros: null, residentMiB: null, ...over });

describe("summarize", () => {
  test("takes the ratio to nginx inside each round, and its median over the rounds", () => {
    const samples = new Map([["nginx", [sample(100, 1_000), sample(100, 2_000), sample(100, 1_000)]], ["weir", [sample(100, 3_000), sample(100, 6_000), sample(100, 9_000)]]]);
    const [nginx, weir] = summarize("small-requests", samples, new Map());
    expect(nginx).toMatchObject({ cpuMicrosPerRequest: 10, ratioToNginx: 1 });
    expect(weir).toMatchObject({ proxy: "weir", unit: "request", rounds: 3, units: 300, cpuMicrosPerRequest: 60, cpuMicrosPerRequestMin: 30, ratioToNginx: 3 });
  });

  test("has no CPU figure and no ratio where there is no proxy", () => {
    const [direct] = summarize("bulk", new Map([["direct", [sample(10, null)]], ["nginx", [sample(10, 100)]]]), new Map());
    expect(direct).toMatchObject({ cpuMicrosPerRequest: null, ratioToNginx: null, megabytesPerCpuSecond: null });
  });

  test("says what a proxy adds to the median time without one", () => {
    const samples = new Map([["direct", [sample(1, null)]], ["nginx", [sample(1, 10)]]]);
    const latency = new Map([["direct", [sample(1, null, { p50Micros: 100 })]], ["nginx", [sample(1, 10, { p50Micros: 270 })]]]);
    expect(summarize("small-requests", samples, latency).map((result) => result.addedP50Micros)).toEqual([0, 170]);
  });

  test("counts MB by bytes per microsecond of CPU", () => {
    expect(summarize("bulk", new Map([["nginx", [sample(1, 2_000_000, { bodyBytes: 800_000_000 })]]]), new Map())[0]?.megabytesPerCpuSecond).toBe(400);
  });
});
