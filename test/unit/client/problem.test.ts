import { expect, test } from "vitest";
import { dataOf, problemFrom, WeirProblem } from "../../../client/problem.ts";

test("data comes through, and nothing is the data of an answer without content", () => {
  expect(dataOf({ data: 1, response: { status: 200 } })).toBe(1);
  expect(dataOf({ response: { status: 204 } })).toBeUndefined();
});

test("a problem is thrown with its status and reason", () => {
  const error = { error: "access.denied", rule: "thread.read", reason: "no", hint: "ask", request_id: "1" };
  expect(() => dataOf({ error, response: { status: 403 } })).toThrow(expect.objectContaining({ name: "WeirProblem", message: "no", status: 403, problem: error }));
  expect(problemFrom(403, JSON.stringify(error))).toMatchObject({ problem: error });
});

test("an answer that is not the API's is a problem all the same", () => {
  for (const body of ["<html>", "null", "{}", ""]) expect(problemFrom(502, body)).toMatchObject({ status: 502, problem: { error: "unknown" } });
  expect(problemFrom(502, "")).toBeInstanceOf(WeirProblem);
});
