import { beforeEach, describe, expect, test } from "vitest";
import { apiTokens } from "../../../../proxy/cluster/api-tokens.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";

const REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";
const DISCOVERY = "/.well-known/openid-configuration";
const UID = "authentication.kubernetes.io/pod-uid";
const NEVER = new AbortController().signal;
const GOOD = { authenticated: true, audiences: ["weir-proxy"], user: { username: "system:serviceaccount:agents:default", extra: { [UID]: ["u1"] } } };

let api: MemoryKubeApi;
let asked: unknown;
beforeEach(() => { api = new MemoryKubeApi(); });

function isAccepted(status: object, podUid = "u1"): Promise<boolean> {
  api.answers.set(REVIEWS, (body) => {
    asked = body;
    return { status };
  });
  return apiTokens(api).isAccepted("the.pods.token", "weir-proxy", podUid, NEVER);
}

describe("a token that the API server is asked about", () => {
  test("is accepted if the API server says so, of this pod and for this audience", async () => {
    expect(await isAccepted(GOOD)).toBe(true);
    expect(asked).toMatchObject({ kind: "TokenReview", spec: { token: "the.pods.token", audiences: ["weir-proxy"] } });
  });

  test.each<[string, object, string?]>([
    ["of another pod", GOOD, "u2"],
    ["of no pod", { ...GOOD, user: { ...GOOD.user, extra: {} } }],
    ["for another audience", { ...GOOD, audiences: ["https://kubernetes.test"] }],
    ["that is not authentic", { authenticated: false }],
    ["that is almost authentic", { ...GOOD, authenticated: "true" }],
    ["with an error beside its yes", { ...GOOD, error: "expired" }],
    ["that nothing is said about", {}],
  ])("is not accepted %s", async (_what, status, podUid) => {
    expect(await isAccepted(status, podUid)).toBe(false);
  });

  test("is neither accepted nor refused while the API server cannot be asked", async () => {
    api.answers.set(REVIEWS, () => { throw new Error("down"); });
    await expect(apiTokens(api).isAccepted("the.pods.token", "weir-proxy", "u1", NEVER)).rejects.toThrow("down");
  });
});

describe("the issuer", () => {
  test("is what the API server calls itself", async () => {
    api.answers.set(DISCOVERY, () => ({ issuer: "https://kubernetes.test", jwks_uri: "https://elsewhere.test/keys" }));
    expect(await apiTokens(api).issuer()).toBe("https://kubernetes.test");
  });

  test.each([[{}], [{ issuer: "" }], [{ issuer: 1 }], ["https://kubernetes.test"]])("is nobody if the API server answers %j", async (answer) => {
    api.answers.set(DISCOVERY, () => answer);
    await expect(apiTokens(api).issuer()).rejects.toThrow(/invalid|too small/i);
  });

  test("has the keys that the API server itself gives, wherever its document points", async () => {
    api.answers.set("/openid/v1/jwks", () => ({ keys: [] }));
    expect(await apiTokens(api).keys()).toEqual({ keys: [] });
  });
});
