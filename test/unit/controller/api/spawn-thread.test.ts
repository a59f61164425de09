import { describe, expect, test } from "vitest";
import { accountKey } from "../../../../common/ledger/account-key.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import type { ServedThread } from "../../../../controller/access/access.ts";
import { spawnThread, type SpawnWish } from "../../../../controller/api/spawn-thread.ts";
import { anInstance, fewParts, refuse, type FewParts } from "../../../support/api/api-parts.ts";

const wish: SpawnWish = { agent: "notifier", title: undefined, message: undefined, grants: ["chat"], allowance: undefined, key: null };

/** A parent that may spawn notifiers, narrowed to what the test says. */
async function family(grants: readonly string[] | null = null, given: Partial<ServedThread> = {}, right: object = {}) {
  const parts = fewParts();
  const add = async (name: string, spec: object) => parts.cluster.create(TYPES.agents, { metadata: { namespace: "ns", name }, spec: { image: "a:1", ...spec } });
  await add("runner", { spawn: [{ agent: "notifier", grants: ["chat"], maxThreads: 2, ...right }] });
  await add("notifier", { grants: ["chat", "mail"] });
  const uid = await parts.addThread("parent");
  parts.answer = () => ({ rule: "instance.spawn", grants: ["chat"] });
  return { parts, instance: anInstance({ thread: { uid, name: "parent", user: "alice", chain: ["ns/lead/t0"], grants, allowance: null, chainAllowances: [], ...given } }) };
}
const asked = (parts: FewParts) => parts.asked.at(-1)?.question;

describe("spawning", () => {
  test("asks access with all that it decides by", async () => {
    const { parts, instance } = await family(["chat"]);
    await spawnThread(parts, instance, wish);
    expect(asked(parts)).toMatchObject({
      action: "instance.spawn", grants: ["chat"],
      spawn: { agent: "notifier", right: { grants: ["chat"] }, isStartable: true, heldByChild: ["chat", "mail"], narrowedTo: ["chat"], depth: 2 },
    });
    await expect(spawnThread(parts, instance, { ...wish, agent: "stranger" })).rejects.toThrow("access allowed what it cannot have allowed");
    expect(asked(parts)?.spawn).toMatchObject({ right: null, isStartable: false, heldByChild: [] });
  });

  test("makes a child of the same user, with what access gave it and the parent in its chain", async () => {
    const { parts, instance } = await family();
    const { thread } = await spawnThread(parts, instance, { ...wish, message: "it failed" });
    expect(thread.spec).toMatchObject({ agent: "notifier", user: "alice", grants: ["chat"], chain: ["ns/lead/t0", "ns/runner/parent"], parent: { name: "parent" } });
    expect(parts.threads.said).toMatchObject([{ body: "it failed", isForAgent: true, sender: { role: "agent", name: "runner" } }]);
  });

  test("gives the child an allowance of what its parent has, and the child's pod those of all above it", async () => {
    const { parts, instance } = await family(null, { allowance: { usd: "5", tokens: 1_000 }, chainAllowances: [{ usd: "9" }] });
    const { thread } = await spawnThread(parts, instance, { ...wish, allowance: { usd: "2.00", requests: "7" } });
    expect(thread.spec).toMatchObject({ allowance: { usd: "2.00", requests: 7 }, chainAllowances: [{ usd: "9" }, { usd: "5", tokens: 1_000 }] });
    expect(parts.threads.carvings).toEqual([{
      wanted: { usd: 2_000_000_000n, requests: 7n }, most: { usd: 5_000_000_000n, tokens: 1_000n }, left: { usd: 5_000_000_000n, tokens: 1_000n },
    }]);
  });

  test("gives away no more than a thread above the parent has, and no more than the ledger says is left", async () => {
    const { parts, instance } = await family(null, { allowance: { usd: "5" }, chainAllowances: [{ usd: "3" }] });
    const key = accountKey({ budget: "thread.allowance.usd", meter: "usd", window: "thread", scope: "thread", shared: ["ns", "runner", "parent"] });
    const account = { key, budget: "thread.allowance.usd", meter: "usd", limit: 5_000_000_000n, window: "thread", timezone: "UTC", thresholds: [] } as const;
    await parts.ledger.acquire("node/h", [{ account, windowStartMs: null, known: 0n, need: 4_000_000_000n, want: 4_000_000_000n }]);
    await spawnThread(parts, instance, { ...wish, allowance: { usd: "1" } });
    expect(parts.threads.carvings).toMatchObject([{ most: { usd: 3_000_000_000n }, left: { usd: 1_000_000_000n } }]);
  });

  test("gives what the right to spawn says to a child that asks for nothing, and never more to one that does", async () => {
    const { parts, instance } = await family(null, {}, { allowance: { usd: "0.5" } });
    expect((await spawnThread(parts, instance, wish)).thread.spec).toMatchObject({ allowance: { usd: "0.50" } });
    await expect(spawnThread(parts, instance, { ...wish, allowance: { usd: "0.500000001" } })).rejects.toMatchObject({ rule: "spawn.allowance", code: "access.denied" });
    await expect(spawnThread(parts, instance, { ...wish, allowance: { tokens: "0.5" } })).rejects.toMatchObject({ code: "request.malformed" });
  });

  test("is refused to a second request of the same key that asks for another allowance", async () => {
    const { parts, instance } = await family();
    const keyed = { ...wish, key: "k", allowance: { usd: "1" } };
    const first = await spawnThread(parts, instance, keyed);
    expect(await spawnThread(parts, instance, keyed)).toMatchObject({ isNew: false, thread: { metadata: { uid: first.thread.metadata.uid } } });
    await expect(spawnThread(parts, instance, { ...keyed, allowance: { usd: "2" } })).rejects.toMatchObject({ rule: "key.reused" });
  });

  test.each<[string, (parts: FewParts) => void, object]>([
    ["access refuses", (parts) => { parts.answer = refuse; }, { rule: "test.refused" }],
    ["access does not say what the child may hold", (parts) => { parts.answer = () => ({ rule: "x", grants: null }); }, { code: "internal" }],
    ["there is no place left", (parts) => { parts.threads.hasPlaces = false; }, { code: "conflict", rule: "spawn.max-threads" }],
  ])("makes nothing if %s", async (_what, arrange, problem) => {
    const { parts, instance } = await family();
    arrange(parts);
    await expect(spawnThread(parts, instance, wish)).rejects.toMatchObject(problem);
    expect((await parts.cluster.list(TYPES.threads, {})).items).toHaveLength(1);
  });

  test("makes nothing for a thread that is gone, or whose name no chain can hold", async () => {
    const { parts, instance } = await family();
    const { thread } = instance;
    await expect(spawnThread(parts, { ...instance, thread: { ...thread!, uid: "earlier" } }, wish)).rejects.toMatchObject({ code: "gone" });
    await expect(spawnThread(parts, { ...instance, thread: { ...thread!, name: "t".repeat(253) } }, wish)).rejects.toMatchObject({ code: "request.unfit" });
  });
});
