import { describe, expect, test } from "vitest";
import { accessConfig } from "../../../../controller/access/config.ts";
import { readBearerToken } from "../../../../controller/access/bearer-token.ts";
import { TokenReviews } from "../../../../controller/access/token-reviews.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { TestClock } from "../../../support/test-clock.ts";

const PATH = "/apis/authentication.k8s.io/v1/tokenreviews";
const token = (audience: string, name = "a") => readBearerToken(`Bearer h.${Buffer.from(JSON.stringify({ aud: [audience], name })).toString("base64url")}.s`);
const alice = { authenticated: true, user: { username: "alice", groups: ["team"] } };

function stand(status: unknown, over: object = {}) {
  const kube = new MemoryKubeApi();
  const asked: { spec: { audiences?: string[]; token: string } }[] = [];
  kube.answers.set(PATH, (body) => {
    asked.push(body as (typeof asked)[number]);
    return typeof status === "function" ? (status as () => unknown)() : { status };
  });
  const clock = new TestClock();
  return { kube, asked, clock, reviews: new TokenReviews(kube, accessConfig.parse(over), () => clock.monotonicMs()) };
}

describe("a token review", () => {
  test("asks for the controller's audience if the token says it is meant for it, and for the API server's otherwise", async () => {
    const { reviews, asked } = stand({ ...alice, audiences: ["weir-controller"] });
    expect(await reviews.user(token("weir-controller"))).toEqual({ name: "alice", groups: ["team"], isForController: true, node: null });
    expect(await reviews.user(token("https://kubernetes"))).toMatchObject({ isForController: false });
    expect(asked.map(({ spec }) => spec.audiences)).toEqual([["weir-controller"], undefined]);
  });

  test("of a token for the API server is not even asked for where those are not taken", async () => {
    const { reviews, asked } = stand(alice, { acceptApiServerTokens: false });
    await expect(reviews.user(token("https://kubernetes"))).rejects.toMatchObject({ rule: "authentication.audience" });
    expect(asked).toEqual([]);
  });

  test("tells the node of the pod that the token is bound to, if it is one", async () => {
    const withNodes = (nodes: string[]) => stand({ ...alice, user: { ...alice.user, extra: { "authentication.kubernetes.io/node-name": nodes } } }).reviews.user(token("x"));
    expect((await withNodes(["n1"])).node).toBe("n1");
    expect((await withNodes([])).node).toBeNull();
    expect((await withNodes(["n1", "n2"])).node).toBeNull();
  });

  test.each([["false", { authenticated: false }], ["nothing", {}], ["true for nobody", { authenticated: true }], ["true for an empty group alone", { authenticated: true, user: { groups: [] } }]])(
    "that says %s proves nobody", async (_, status) => {
      await expect(stand(status).reviews.user(token("x"))).rejects.toMatchObject({ rule: "authentication.rejected", kind: "unauthenticated" });
    });

  test.each([["text", { authenticated: "true", user: { username: "a" } }], ["a number", { authenticated: 1, user: { username: "a" } }], ["no status", undefined], ["an empty name", { authenticated: true, user: { username: "" } }]])(
    "with %s for an answer is unavailable, never somebody", async (_, status) => {
      await expect(stand(status).reviews.user(token("x"))).rejects.toMatchObject({ name: "AccessUnavailable" });
    });

  test("by an API server that does not vouch for the audience proves nobody for the controller", async () => {
    for (const audiences of [undefined, [], ["https://kubernetes"]]) {
      await expect(stand({ ...alice, ...(audiences === undefined ? {} : { audiences }) }).reviews.user(token("weir-controller"))).rejects.toMatchObject({ rule: "authentication.audience" });
    }
  });

  test("is made once for many who ask at once and for a while after, refusals too; each token has its own", async () => {
    const { reviews, asked, clock } = stand(alice, { tokenCacheMs: 10_000 });
    await Promise.all(Array.from({ length: 20 }, async () => reviews.user(token("x"))));
    clock.advance(9_999);
    await reviews.user(token("x"));
    expect(asked).toHaveLength(1);
    await reviews.user(token("x", "another"));
    expect(asked).toHaveLength(2);
    clock.advance(2);
    await reviews.user(token("x"));
    expect(asked).toHaveLength(3);
    const refusing = stand({ authenticated: false });
    for (let index = 0; index < 3; index += 1) await expect(refusing.reviews.user(token("x"))).rejects.toMatchObject({ kind: "unauthenticated" });
    expect(refusing.asked).toHaveLength(1);
  });

  test("that failed is asked for again", async () => {
    const { reviews, kube, asked } = stand(alice);
    kube.failNext("post", new Error("down"));
    await expect(reviews.user(token("x"))).rejects.toMatchObject({ name: "AccessUnavailable" });
    expect(await reviews.user(token("x"))).toMatchObject({ name: "alice" });
    expect(asked).toHaveLength(1);
  });

  test("is made each time where nothing may be kept", async () => {
    const { reviews, asked } = stand(alice, { tokenCacheMs: 0 });
    for (let index = 0; index < 3; index += 1) await reviews.user(token("x"));
    expect(asked).toHaveLength(3);
  });
});
