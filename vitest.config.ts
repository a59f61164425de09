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
      tier("unit", 15_000),
      tier("contract", 90_000),
      tier("policy", 90_000),
      tier("structure", 90_000),
      tier("integration", 90_000),
      tier("adversarial", 90_000),
      tier("netns", 180_000, false),
      tier("cluster", 240_000, false),
    ],
  },
});
