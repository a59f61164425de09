import { describe, expect, test } from "vitest";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { spawnThread, type SpawnWish } from "../../../../controller/api/spawn-thread.ts";
import { anInstance, fewParts, refuse, type FewParts } from "../../../support/api/api-parts.ts";

const wish: SpawnWish = { agent: "notifier", title: undefined, message: undefined, grants: ["chat"], key: null };

/** A parent that may spawn notifiers, narrowed to what the test says. */
async function family(grants: readonly string[] | null = null) {
  const parts = fewParts();
  const add = async (name: string, spec: object) => parts.cluster.create(TYPES.agents, { metadata: { namespace: "ns", name }, spec: { image: "a:1", ...spec } });
  await add("runner", { spawn: [{ agent: "notifier", grants: ["chat"], maxThreads: 2 }] });
  await add("notifier", { grants: ["chat", "mail"] });
  const uid = await parts.addThread("parent");
  parts.answer = () => ({ rule: "instance.spawn", grants: ["chat"] });
  return { parts, instance: anInstance({ thread: { uid, name: "parent", user: "alice", chain: ["ns/lead/t0"], grants } }) };
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
