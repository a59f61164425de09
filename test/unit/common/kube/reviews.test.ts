import { describe, expect, test } from "vitest";
import { requestToken, subjectAccessReview, tokenReview } from "../../../../common/kube/reviews.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";

const TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const AUTHENTIC = { authenticated: true, user: { username: "system:serviceaccount:a:b", uid: "1", groups: ["g"], extra: { "authentication.kubernetes.io/pod-uid": ["p"] } }, audiences: ["weir-controller"] };
const QUESTION = { user: { username: "jane", groups: ["staff"] }, resource: { verb: "get", group: "weir.dev", resource: "threads", namespace: "a" } };

function answering(path: string, answer: unknown): { api: MemoryKubeApi; asked: unknown[] } {
  const api = new MemoryKubeApi();
  const asked: unknown[] = [];
  api.answers.set(path, (body) => { asked.push(body); return answer; });
  return { api, asked };
}

describe("a token review", () => {
  test("says whose the token is", async () => {
    const { api, asked } = answering(TOKENS, { status: AUTHENTIC });
    expect(await tokenReview(api, "t", ["weir-controller"])).toEqual({ isAuthentic: true, user: AUTHENTIC.user, audiences: ["weir-controller"] });
    expect(asked).toMatchObject([{ kind: "TokenReview", spec: { token: "t", audiences: ["weir-controller"] } }]);
  });

  test("tells why it is not authentic", async () => {
    const { api } = answering(TOKENS, { status: { authenticated: false, error: "token has expired" } });
    expect(await tokenReview(api, "t", ["a"])).toEqual({ isAuthentic: false, reason: "token has expired" });
  });

  test.each([
    ["null", null], ["no status", {}], ["authenticated as text", { status: { ...AUTHENTIC, authenticated: "true" } }], ["no audience", { status: { ...AUTHENTIC, audiences: undefined } }],
    ["an empty list of audiences", { status: { ...AUTHENTIC, audiences: [] } }], ["another audience", { status: { ...AUTHENTIC, audiences: ["kubernetes"] } }],
    ["no user", { status: { ...AUTHENTIC, user: undefined } }], ["an empty user", { status: { ...AUTHENTIC, user: { username: "" } } }],
    ["an error besides", { status: { ...AUTHENTIC, error: "but" } }], ["groups that are text", { status: { ...AUTHENTIC, user: { ...AUTHENTIC.user, groups: "g" } } }],
  ])("takes %s for not authentic", async (_what, answer) => {
    expect((await tokenReview(answering(TOKENS, answer).api, "t", ["weir-controller"])).isAuthentic).toBe(false);
  });

  test.each(["", "x".repeat(16_385)])("asks nobody about what has not the length of a token", async (token) => {
    const { api, asked } = answering(TOKENS, { status: AUTHENTIC });
    expect((await tokenReview(api, token, ["weir-controller"])).isAuthentic).toBe(false);
    expect(asked).toEqual([]);
  });
});

describe("an access review", () => {
  test("allows what the server allows", async () => {
    const { api, asked } = answering(ACCESS, { status: { allowed: true, reason: "RBAC" } });
    expect(await subjectAccessReview(api, QUESTION)).toEqual({ isAllowed: true });
    expect(asked).toMatchObject([{ spec: { user: "jane", groups: ["staff"], resourceAttributes: QUESTION.resource } }]);
  });

  test.each([
    [{ status: { allowed: false, reason: "no" } }, "no"], [{ status: { allowed: true, denied: true } }, "no rule allows it"], [{ status: { allowed: "true" } }, "no rule allows it"],
    [{ status: {} }, "no rule allows it"], [{}, "no rule allows it"], [null, "no rule allows it"], [{ allowed: true }, "no rule allows it"],
  ])("refuses at %o", async (answer, reason) => {
    expect(await subjectAccessReview(answering(ACCESS, answer).api, QUESTION)).toEqual({ isAllowed: false, reason });
  });
});

describe("a token request", () => {
  const path = "/api/v1/namespaces/a/serviceaccounts/b/token";

  test("gives a secret that ends", async () => {
    const { api, asked } = answering(path, { status: { token: "eyJ", expirationTimestamp: "2026-01-01T00:10:00Z" } });
    const issued = await requestToken(api, { namespace: "a", name: "b" }, { audience: "weir-proxy", seconds: 600, pod: { name: "p", uid: "u" } });
    expect(String(issued.token)).toBe("[secret]");
    expect(issued.expiresAtMs).toBe(Date.UTC(2026, 0, 1, 0, 10));
    expect(asked).toMatchObject([{ spec: { audiences: ["weir-proxy"], expirationSeconds: 600, boundObjectRef: { kind: "Pod", name: "p", uid: "u" } } }]);
  });

  test.each([[{}], [{ status: { token: "" } }], [{ status: { token: "x", expirationTimestamp: "soon" } }]])("fails at %o", async (answer) => {
    await expect(requestToken(answering(path, answer).api, { namespace: "a", name: "b" }, { audience: "x", seconds: 600 })).rejects.toMatchObject({ reason: "Malformed" });
  });
});
