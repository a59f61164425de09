import { describe, expect, test } from "vitest";
import { KubeError } from "../../../../common/kube/kube-api.ts";
import { connectionError, kubeErrorOf, noAnswer } from "../../../../common/kube/kube-status.ts";

const STATUS = { kind: "Status", code: 409, reason: "AlreadyExists", message: "pods \"a\" already exists" };
const failing = (code: string) => Object.assign(new Error("it failed"), { code });

describe("an answer that is an error", () => {
  test("keeps reason and message of the API's Status", () => {
    expect(kubeErrorOf(409, STATUS, "POST /pods")).toMatchObject({ status: 409, reason: "AlreadyExists", message: "POST /pods: pods \"a\" already exists" });
  });

  test("has the object's own code where there is no other, and never in place of one", () => {
    expect(kubeErrorOf(0, STATUS, "watch").status).toBe(409);
    expect(kubeErrorOf(500, STATUS, "POST /pods").status).toBe(500);
  });

  test.each([undefined, null, "<html>", 7, [], { message: 7, reason: {} }, { message: "" }])("says its number if it is no Status: %j", (body) => {
    expect(kubeErrorOf(502, body, "GET /x")).toMatchObject({ status: 502, reason: "", message: "GET /x: the API server answered 502" });
  });

  test("takes over no more than a kilobyte", () => {
    expect(kubeErrorOf(500, { message: "x".repeat(10_000), reason: "y".repeat(10_000) }, "GET").message.length).toBeLessThan(1_100);
  });
});

describe("no answer", () => {
  test.each(["CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "ERR_TLS_CERT_ALTNAME_INVALID"])("for %s: the server is not believed", (code) => {
    expect(connectionError(failing(code), "GET")).toMatchObject({ status: 0, reason: "Untrusted" });
  });

  test.each(["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "UND_ERR_SOCKET"])("for %s: it cannot be reached", (code) => {
    expect(connectionError(failing(code), "GET")).toMatchObject({ status: 0, reason: "Unreachable", cause: expect.any(Error) });
  });

  test("what is an error of the API already stays it, and what is no error at all is one", () => {
    const known = new KubeError(410, "Expired", "gone");
    expect(connectionError(known, "GET")).toBe(known);
    expect(connectionError("odd", "GET").message).toContain("unknown error");
  });

  test("has no cause if nobody named one", () => {
    expect(noAnswer("Timeout", "GET", "late")).not.toHaveProperty("cause");
  });
});
