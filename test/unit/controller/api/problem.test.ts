import { describe, expect, test } from "vitest";
import { KubeError } from "../../../../common/kube/kube-api.ts";
import { StoreUnavailable } from "../../../../common/sql/sql-driver.ts";
import { AccessRefused, AccessUnavailable } from "../../../../controller/access/access.ts";
import { ANNOUNCED_BODY_LIMIT_BYTES } from "../../../../controller/api/limits.ts";
import { ApiProblem, problemOf } from "../../../../controller/api/problem.ts";
import { RoomTaken } from "../../../../controller/threads/room.ts";
import { BODY_LIMIT_BYTES, MessageUnfit, MessageUnknown, ThreadGone, TooManyRelations } from "../../../../controller/threads/thread-store.ts";

describe("what went wrong", () => {
  test.each([
    [new AccessRefused("r", "no", { hint: "ask" }), "access.denied"],
    [new AccessRefused("r", "no", { hint: "ask", kind: "unauthenticated" }), "authentication.required"],
    [new AccessRefused("r", "no", { hint: "end", kind: "gone" }), "gone"],
    [new AccessUnavailable("x"), "unavailable"], [new StoreUnavailable("x"), "unavailable"],
    [new ThreadGone("x"), "gone"], [new MessageUnknown("x"), "not-found"], [new MessageUnfit("x"), "request.unfit"], [new TooManyRelations("x"), "conflict"], [new RoomTaken("x"), "conflict"],
    [new KubeError(409, "Conflict", "x"), "conflict"], [new KubeError(422, "Invalid", "x"), "request.unfit"], [new KubeError(404, "NotFound", "x"), "not-found"],
    [new KubeError(403, "Forbidden", "x"), "unavailable"], [new KubeError(0, "", "x"), "unavailable"],
    [new TypeError("x"), "internal"], ["text", "internal"], [undefined, "internal"],
  ] as const)("%s is %s for the caller", (error, code) => {
    expect(problemOf(error).code).toBe(code);
  });

  test("is told with rule and hint, and nothing of what happened inside", () => {
    expect(problemOf(new AccessRefused("thread.read", "no", { hint: "ask", cause: new Error("inside") })).body("id")).toEqual({ error: "access.denied", rule: "thread.read", reason: "no", hint: "ask", request_id: "id" });
    for (const error of [new Error("postgres://user:hunter2@db"), new StoreUnavailable("hunter2"), new AccessUnavailable("hunter2"), new KubeError(500, "", "hunter2")]) {
      expect(JSON.stringify(problemOf(error).body("id"))).not.toContain("hunter2");
    }
  });

  test("is itself if it was told so already, and says when to come again where that helps", () => {
    const problem = new ApiProblem("gone", "x");
    expect(problemOf(problem)).toBe(problem);
    expect([new ApiProblem("unavailable", "x").retryAfterSeconds, problem.retryAfterSeconds]).toEqual([1, undefined]);
  });
});

test("API and store agree on how long a message may be", () => {
  expect(ANNOUNCED_BODY_LIMIT_BYTES).toBe(BODY_LIMIT_BYTES);
});
