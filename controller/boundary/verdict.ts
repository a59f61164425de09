import type * as z from "zod";
import type { PolicyProblem } from "../resources/egress-policy.ts";

/** What a resource becomes in the boundary, or why it becomes nothing. */
export type Verdict<T> = { readonly isAccepted: true; readonly value: T } | Refused;

export interface Refused {
  readonly isAccepted: false;
  /** One word, for a condition. */
  readonly reason: string;
  readonly message: string;
}

export const accepted = <T>(value: T): Verdict<T> => ({ isAccepted: true, value });
export const refused = (reason: string, message: string): Refused => ({ isAccepted: false, reason, message });

/** One line for the first problems of a schema. */
export function describeIssues(error: z.ZodError): string {
  return error.issues.slice(0, 5).map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`)).join("; ");
}

/** What a policy becomes: what is wrong with it, and the names in it that lead nowhere. */
export interface PolicyVerdict<T> {
  /** Null if anything is wrong with it: then nothing of it counts. */
  readonly value: T | null;
  readonly problems: readonly PolicyProblem[];
  /** Grants and budgets that it names and that there are none of. What needs them fails; the rest of the policy counts. */
  readonly unresolved: readonly PolicyProblem[];
}
