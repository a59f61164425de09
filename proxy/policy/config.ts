import * as z from "zod";
import { policyData } from "./data.ts";

export const policyConfig = z.strictObject({
  bundle: z.string().min(1).optional().describe("Path of a built bundle (OPA's `.tar.gz` with WASM), as `weir policy build` writes it."),
  directory: z.string().min(1).optional()
    .describe("Path of a policy folder: `data.yaml` for the library that comes with Weir, and `*.rego` beside it if the data does not suffice."),
  data: policyData.optional().describe("The data of `data.yaml` written right here, for small set-ups."),
  deadlineMs: z.number().int().min(1).max(10_000).default(250).describe("Longest time for one decision, by the clock, in milliseconds; a later answer is a failure, never an allow."),
  memoryLimitBytes: z.number().int().min(1 << 20).max(1 << 30).default(64 << 20).describe("Ceiling of the evaluator's memory, policy data included, in bytes."),
  pollIntervalMs: z.number().int().min(100).max(3_600_000).default(2_000)
    .describe("How often the policy files are looked at where the system reports no change, in milliseconds."),
}).superRefine((section, context) => {
  const chosen = (["bundle", "directory", "data"] as const).filter((key) => section[key] !== undefined);
  if (chosen.length > 1) context.addIssue({ code: "custom", message: `${chosen.join(" and ")} exclude each other; keep one` });
});
export type PolicyConfig = z.output<typeof policyConfig>;
