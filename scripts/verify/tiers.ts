import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import type { Environment } from "../../common/config.ts";
import { runCommand } from "./run-command.ts";

/** One line of the verification. */
export interface Tier {
  readonly name: string;
  run(): Promise<TierResult>;
}

export interface TierResult {
  readonly passed: number;
  readonly failed: number;
  /** Names of tests that this machine cannot run. */
  readonly skipped: readonly string[];
  /** Shown in the line, e.g. the figure of a proof. */
  readonly note: string;
  /** Shown below the line if something failed. */
  readonly output: string;
}

const COMMAND_DEADLINE_MS = 300_000;
const SUITE_DEADLINE_MS = 900_000;
const PROOF_DEADLINE_MS = 360_000;

/** A command that passes or fails as a whole. */
export function commandTier(name: string, argv: readonly [string, ...string[]], deadlineMs = COMMAND_DEADLINE_MS): Tier {
  return {
    name,
    async run() {
      const { code, output } = await runCommand(argv, deadlineMs);
      return wholeResult(code === 0, "", output);
    },
  };
}

/**
 * Proofs that `verify:cluster` runs. `fetched` need programs that are installed first, `controlPlane` parts of a cluster, `node` a node of their own
 * and with it root.
 */
export const CLUSTER_PROOFS = { fetched: ["stock-agents", "leases", "vault-faults"], controlPlane: ["rbac", "spawn", "controller-kills"], node: ["cluster", "bypass-pod"] } as const;

/** The quick form of a proof; its figure is the note. */
export function proofTier(name: string, deadlineMs = PROOF_DEADLINE_MS): Tier {
  return {
    name: `proof ${name}`,
    async run() {
      const { code, output } = await runCommand(["node", "scripts/proof.ts", name, "--quick"], deadlineMs);
      const lastLine = output.trimEnd().split("\n").at(-1) ?? "";
      return wholeResult(code === 0, lastLine.replace(`proof ${name}: `, ""), output);
    },
  };
}

/** Stands for a tier that this machine cannot run. @param why what is missing */
export function impossible({ name }: Tier, why: string): Tier {
  return { name, run: async () => ({ passed: 0, failed: 0, skipped: [why], note: "", output: "" }) };
}

/** A folder of tests: a project of vitest.config.ts, each test counted. @param settings environment variables for these tests alone */
export function suiteTier(project: string, settings: Environment = {}, deadlineMs = SUITE_DEADLINE_MS): Tier {
  return {
    name: project,
    async run() {
      const folder = await mkdtemp(join(tmpdir(), "weir-verify-"));
      try {
        const reportFile = join(folder, "report.json");
        const { code, output } = await runCommand(
          ["vitest", "run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`], deadlineMs, settings);
        return readReport(await readFile(reportFile, "utf8").catch(() => ""), code, output);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** The same tier where a tool cannot be had: what needs it is told in the note and is no failure, not even under CI. @param why for the note, after the count */
export function excused(tier: Tier, why: string): Tier {
  return {
    name: tier.name,
    async run() {
      const result = await tier.run();
      return result.skipped.length === 0 ? result : { ...result, skipped: [], note: `${result.skipped.length} not run: ${why}` };
    },
  };
}

const vitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  testResults: z.array(z.object({
    name: z.string(),
    status: z.string(),
    message: z.string().default(""),
    assertionResults: z.array(z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).default([]) })),
  })),
});

/** What a run of vitest counted. A file that does not load, or an error outside any test, counts as one failure: it never passes. */
export function readReport(json: string, code: number, output: string): TierResult {
  const parsed = vitestReport.safeParse(parseJson(json));
  if (!parsed.success) return { passed: 0, failed: 1, skipped: [], note: "no report", output };
  const { numPassedTests: passed, numFailedTests, testResults } = parsed.data;
  const unloaded = testResults.filter((file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed")).length;
  const counted = numFailedTests + unloaded;
  const skipped = testResults.flatMap((file) => file.assertionResults)
    .filter((test) => test.status !== "passed" && test.status !== "failed").map((test) => test.fullName);
  const failures = testResults.flatMap(failuresOf).join("\n\n");
  return { passed, failed: counted === 0 && code !== 0 ? 1 : counted, skipped, note: "", output: failures === "" ? output : failures };
}

/** What failed in a file, with the reasons: whoever reads a failed run wants nothing else first. */
function failuresOf({ name, message, assertionResults }: z.output<typeof vitestReport>["testResults"][number]): string[] {
  const failed = assertionResults.filter(({ status }) => status === "failed").map(({ fullName, failureMessages }) => `${name}\n  ${fullName}\n${failureMessages.join("\n")}`);
  return failed.length === 0 && message !== "" ? [`${name}\n${message}`] : failed;
}

function wholeResult(hasPassed: boolean, note: string, output: string): TierResult {
  return { passed: hasPassed ? 1 : 0, failed: hasPassed ? 0 : 1, skipped: [], note, output };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
