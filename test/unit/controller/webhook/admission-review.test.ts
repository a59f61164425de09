import { describe, expect, test } from "vitest";
import { readReview, writeAnswer, type Verdict } from "../../../../controller/webhook/admission-review.ts";

const aReview = (request: object = {}, envelope: object = {}) => ({
  apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", ...envelope,
  request: {
    uid: "r1", kind: { group: "", version: "v1", kind: "Pod" }, resource: { group: "", version: "v1", resource: "pods" }, operation: "CREATE",
    namespace: "team", userInfo: { username: "ann", groups: ["x"] }, object: { metadata: {}, spec: {} }, ...request,
  },
});

describe("a review", () => {
  test("is read as far as it is needed, however much more a newer API server sends", () => {
    expect(readReview(aReview({ brandNew: 1, options: {} }, { more: 2 }))).toMatchObject({ uid: "r1", namespace: "team", userInfo: { username: "ann" } });
    expect(readReview(aReview({ subResource: "", userInfo: {} })).userInfo.username).toBe("");
  });

  test.each<[string, unknown]>([
    ["nothing", null], ["a list", []], ["another version", aReview({}, { apiVersion: "admission.k8s.io/v1beta1" })], ["another kind of document", aReview({}, { kind: "Review" })],
    ["an answer", { ...aReview(), request: undefined }], ["a deletion", aReview({ operation: "DELETE" })], ["a change", aReview({ operation: "UPDATE" })],
    ["another kind", aReview({ kind: { group: "apps", version: "v1", kind: "Deployment" } })], ["another resource", aReview({ resource: { group: "", version: "v1", resource: "secrets" } })],
    ["a subresource", aReview({ subResource: "exec" })], ["no namespace", aReview({ namespace: "" })], ["no pod", aReview({ object: "pod" })], ["no name of its own", aReview({ uid: "" })],
  ])("of %s is not read", (_name, body) => {
    expect(() => readReview(body)).toThrow(/invalid|expected|too small/i);
  });
});

describe("an answer", () => {
  const responseOf = (verdict: Verdict) => (writeAnswer("r1", verdict) as { response: object }).response;

  test("carries the review's own name, in its version", () => {
    expect(writeAnswer("r1", { kind: "unchanged" })).toEqual({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: { uid: "r1", allowed: true } });
  });

  test("allows what was injected, with the patch and what its author should know, cut to what the API server shows", () => {
    const warnings = Array.from({ length: 20 }, () => "x".repeat(300));
    expect(responseOf({ kind: "injected", patch: [{ op: "remove" }], warnings })).toEqual({
      uid: "r1", allowed: true, patchType: "JSONPatch", patch: Buffer.from('[{"op":"remove"}]').toString("base64"), warnings: Array.from({ length: 16 }, () => "x".repeat(250)),
    });
    expect(responseOf({ kind: "injected", patch: [], warnings: [] })).not.toHaveProperty("warnings");
  });

  test.each<[Verdict, number]>([[{ kind: "refused", message: "no" }, 403], [{ kind: "failed", message: "later" }, 503]])("allows nothing that was %o", (verdict, code) => {
    expect(responseOf(verdict)).toMatchObject({ allowed: false, status: { code, message: verdict.kind === "refused" ? "no" : "later" } });
  });
});
