import type { Problem } from "./objects.ts";

/** What the API says when it does not do what was asked. */
export class WeirProblem extends Error {
  override readonly name = "WeirProblem";
  readonly status: number;
  readonly problem: Problem;

  constructor(status: number, problem: Problem) {
    super(problem.reason);
    this.status = status;
    this.problem = problem;
  }
}

/** The data of an answer; nothing for one without content, such as 204. @throws WeirProblem if the request was not answered as hoped */
export function dataOf<T>(answer: { readonly data?: T; readonly error?: Problem; readonly response: { readonly status: number } }): T {
  if (answer.error !== undefined) throw new WeirProblem(answer.response.status, answer.error);
  return answer.data as T;
}

/** A problem from a body that should hold one; what is in front of the API may answer in its own way. */
export function problemFrom(status: number, body: string): WeirProblem {
  const unknown = { error: "unknown", rule: "unknown", reason: `the API answered ${status}`, hint: "look at the address", request_id: "" };
  return new WeirProblem(status, readProblem(body) ?? unknown);
}

function readProblem(body: string): Problem | null {
  try {
    const value: unknown = JSON.parse(body);
    const isProblem = typeof value === "object" && value !== null && "error" in value && "reason" in value && "hint" in value;
    return isProblem ? value as Problem : null;
  } catch {
    return null;
  }
}
