import { defineConfig } from "vitest/config";

interface TierOptions {
  /** Files at a time: a share of the cores, or a number. */
  readonly workers?: string | number;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

const tier = (name: string, timeoutMs: number, { workers = "100%", include = [`test/${name}/**/*.test.ts`], exclude = [] }: TierOptions = {}) => ({
  test: {
    name,
    include: [...include],
    exclude: [...exclude],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    pool: "forks" as const,
    maxWorkers: workers,
    // As `npm run verify` has it: with CI set, colours would be in what is compared.
    env: { NO_COLOR: "1" },
  },
});

/** They run on a node of their own, of which a machine bears one at a time. */
const ON_A_NODE = ["test/cluster/images/**/*.test.ts", "test/cluster/init/**/*.test.ts", "test/cluster/kube/node-lab.test.ts", "test/cluster/controller/pods/governed-pod.test.ts"];

export default defineConfig({
  test: {
    projects: [
      tier("unit", 15_000),
      tier("contract", 90_000),
      tier("policy", 90_000),
      tier("structure", 90_000),
      tier("integration", 90_000),
      tier("adversarial", 90_000),
      tier("netns", 180_000, { workers: 1 }),
      // Two control planes at a time are what a small machine bears; most of their time is waiting.
      tier("cluster", 240_000, { workers: 2, exclude: ON_A_NODE }),
      tier("node", 240_000, { workers: 1, include: ON_A_NODE }),
    ],
  },
});
