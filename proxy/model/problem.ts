import type { ZodError } from "zod";

/** The first thing that is wrong with a value, in one line: `path: message`. */
export function firstProblem({ issues }: ZodError): string {
  const [issue] = issues;
  const path = issue?.path.map(String).join(".") ?? "";
  return `${path === "" ? "" : `${path}: `}${issue?.message ?? "malformed"}`;
}
