import { defineConfig } from "vitest/config";

const tier = (name: string, timeoutMs: number, parallel = true) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    pool: "forks" as const,
    fileParallelism: parallel,
  },
});

export default defineConfig({
  test: {
    projects: [
      tier("unit", 5_000),
      tier("contract", 20_000),
      tier("policy", 30_000),
      tier("structure", 30_000),
      tier("integration", 30_000),
      tier("adversarial", 30_000),
      tier("netns", 120_000, false),
      tier("cluster", 120_000, false),
    ],
  },
});
