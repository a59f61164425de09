import * as z from "zod";
import { serviceConfig, verificationConfig } from "./bundles/config.ts";
import { policyData } from "./data.ts";

/** Where a policy may come from; one of them. */
const PLACES = ["bundle", "service", "directory", "data"] as const;

/** A policy: where it comes from, who vouches for it, and how long it may take. */
const policySection = z.strictObject({
  bundle: z.string().min(1).optional().describe("Path of a built bundle (OPA's `.tar.gz` with WASM), as `weir policy build` writes it."),
  service: serviceConfig.optional().describe("A server that the bundle is fetched from, again and again; needs `verification`. docs/bundles.md."),
  directory: z.string().min(1).optional()
    .describe("Path of a policy folder: `data.yaml` for the library that comes with Weir, and `*.rego` beside it if the data does not suffice."),
  data: policyData.optional().describe("The data of `data.yaml` written right here, for small set-ups."),
  verification: verificationConfig.optional()
    .describe("Whose signature a bundle must have. With it, an unsigned bundle is refused, and so is one whose revision is lower than the highest that was in force. docs/bundles.md."),
  // A decision takes a twentieth of a millisecond; but a container that has used up its share of the processor stands still for a tenth of a second (Linux,
  // cpu.max), and twice that in a row must not be a refusal. What does not end holds up its own agent alone (threaded-policy.ts).
  deadlineMs: z.number().int().min(1).max(10_000).default(250).describe("Longest time for one decision, by the clock, in milliseconds, all parts of one body together; a later answer is a failure, never an allow."),
  memoryLimitBytes: z.number().int().min(1 << 20).max(1 << 30).default(64 << 20)
    .describe("Ceiling of the evaluator's memory, policy data included, in bytes; each thread that evaluates has as much."),
  threads: z.number().int().min(2).max(16).default(2)
    .describe("Threads that evaluate Rego, and what was read of bodies, at the same time, each agent in one at most; one more stands by for one that has to be ended. They start when first needed."),
  pollIntervalMs: z.number().int().min(100).max(3_600_000).default(2_000)
    .describe("How often the policy files are looked at where the system reports no change, in milliseconds."),
});

function checkPlaces(section: z.output<typeof policySection>, context: z.RefinementCtx): void {
  const chosen = PLACES.filter((key) => section[key] !== undefined);
  if (chosen.length > 1) context.addIssue({ code: "custom", message: `${chosen.join(" and ")} exclude each other; keep one` });
  if (section.service !== undefined && section.verification === undefined) {
    context.addIssue({ code: "custom", path: ["service"], message: "needs policy.verification: what comes over a network is checked by its signature" });
  }
  if (section.verification !== undefined && section.service === undefined && section.bundle === undefined) {
    context.addIssue({ code: "custom", path: ["verification"], message: "is for bundles (policy.bundle, policy.service); nothing else can be signed" });
  }
}

const shadow = policySection.superRefine(checkPlaces).optional()
  .describe("A second policy that is asked beside the one in force, in threads of its own, and decides nothing: what it would have decided is recorded and counted. docs/replay.md.");

export const policyConfig = policySection.extend({ shadow }).superRefine(checkPlaces);
export type PolicyConfig = z.output<typeof policyConfig>;
