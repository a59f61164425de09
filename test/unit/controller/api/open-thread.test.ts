import { describe, expect, test } from "vitest";
import { KubeError } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { openThread, type Wish } from "../../../../controller/api/open-thread.ts";
import { fewParts } from "../../../support/api/api-parts.ts";

const wish = (over: Partial<Wish> = {}): Wish => ({
  namespace: "ns", agent: "runner", title: undefined, user: "alice", parent: null, chain: [], grants: null, allowance: null, chainAllowances: [],
  message: { body: "go", sender: { role: "user", name: "alice" } }, scope: "person alice", key: "k", ...over,
});

describe("a thread that is opened", () => {
  test("is one with one first message for each key, however often and from wherever it is asked for", async () => {
    const parts = fewParts();
    const made = await Promise.all(Array.from({ length: 5 }, async () => openThread(parts, wish())));
    expect(new Set(made.map(({ row }) => row.uid)).size).toBe(1);
    expect(made.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(parts.threads.said.map(({ body }) => body)).toEqual(["go"]);
  });

  test("is another each time without a key", async () => {
    const parts = fewParts();
    const names = [await openThread(parts, wish({ key: null })), await openThread(parts, wish({ key: null }))].map(({ thread }) => thread.metadata.name);
    expect(new Set(names).size).toBe(2);
  });

  test("is finished by the next request if the first one was cut short between resource and message", async () => {
    const parts = fewParts();
    const { post } = parts.threads;
    parts.threads.post = async () => { throw new Error("the store is away"); };
    await expect(openThread(parts, wish())).rejects.toThrow("the store is away");
    parts.threads.post = post;
    expect((await openThread(parts, wish())).isNew).toBe(false);
    expect(parts.threads.said).toHaveLength(1);
  });

  test.each<[string, Partial<Wish>]>([
    ["other grants", { grants: ["chat"] }], ["another parent", { parent: { name: "p", uid: "p1" } }], ["another chain", { chain: ["ns/a/t"] }], ["another user", { user: "bob" }],
  ])("is not what was asked for if its key meant %s", async (_what, over) => {
    const parts = fewParts();
    await openThread(parts, wish());
    await expect(openThread(parts, wish(over))).rejects.toMatchObject({ code: "conflict", rule: "key.reused" });
  });

  test("is none while one of that key is being deleted", async () => {
    const parts = fewParts();
    const { thread } = await openThread(parts, wish());
    const { namespace, name } = thread.metadata;
    await parts.cluster.apply(TYPES.threads, { metadata: { namespace, name, deletionTimestamp: "2026-01-01T00:00:00Z" } }, { fieldManager: "test", force: true });
    await expect(openThread(parts, wish())).rejects.toMatchObject({ code: "gone", rule: "key.deleted" });
  });

  test("is none if the API server does not take it, and the store hears nothing of it", async () => {
    const parts = fewParts();
    parts.cluster.failNext("create threads", new KubeError(422, "Invalid", "no"));
    await expect(openThread(parts, wish())).rejects.toMatchObject({ status: 422 });
    await expect(openThread(parts, wish({ user: "u".repeat(254) }))).rejects.toMatchObject({ code: "request.unfit" });
    expect(parts.threads.rows.size).toBe(0);
  });
});
