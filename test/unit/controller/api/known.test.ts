import { describe, expect, test } from "vitest";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { knownThread, presentAgent, presentThread, requireAgent, requireOwnThread, requireThread } from "../../../../controller/api/known.ts";
import { ALICE, anInstance, fewParts, refuse } from "../../../support/api/api-parts.ts";

const named = (name: string) => ({ namespace: "ns", name });

describe("a thread is known", () => {
  test("as soon as its resource is there, whoever made it, and is entered into the store", async () => {
    const parts = fewParts();
    const uid = await parts.addThread("t", { user: "ann" });
    expect(await knownThread(parts, named("t"))).toMatchObject({ row: { uid, owner: "ann", agent: "runner", parentUid: null } });
    expect([...parts.threads.rows.keys()]).toEqual([uid]);
  });

  test("no more once it is archived, deleted or being deleted, and not if it cannot be read", async () => {
    const parts = fewParts();
    await parts.threads.archiveThread((await knownThread(parts, named("t")))?.row.uid ?? await parts.addThread("t"), 1);
    await knownThread(parts, named("t"));
    await parts.threads.archiveThread([...parts.threads.rows.keys()][0] ?? "", 1);
    expect(await knownThread(parts, named("t"))).toBeNull();
    expect(await knownThread(parts, named("nothing"))).toBeNull();
    const thread = (over: object) => ({ metadata: { name: "t", namespace: "ns", uid: "u", ...over }, spec: { agent: "a", user: "u" } });
    expect(presentThread(thread({}))).toMatchObject({ spec: { agent: "a" } });
    expect(presentThread(thread({ deletionTimestamp: "2026-01-01T00:00:00Z" }))).toBeNull();
    expect(presentThread({ ...thread({}), spec: { agent: 7 } })).toBeNull();
    expect([presentAgent(null), presentAgent({ metadata: { name: "a", namespace: "ns" }, spec: { image: 1 } })]).toEqual([null, null]);
  });
});

describe("whoever asks for a thread or an agent", () => {
  test("is asked about before anything is said, there or not", async () => {
    const parts = fewParts();
    await parts.addThread("t");
    parts.answer = refuse;
    for (const name of ["t", "nothing"]) {
      await expect(requireThread(parts, ALICE, named(name), { action: "thread.read" })).rejects.toMatchObject({ rule: "test.refused" });
      await expect(requireAgent(parts, ALICE, named(name), { action: "agent.see" })).rejects.toMatchObject({ rule: "test.refused" });
    }
    expect(parts.asked).toHaveLength(4);
  });

  test("learns that it is not there only if they may", async () => {
    const parts = fewParts();
    await expect(requireThread(parts, ALICE, named("t"), { action: "thread.read" })).rejects.toMatchObject({ code: "not-found" });
    await expect(requireAgent(parts, ALICE, named("a"), { action: "agent.see" })).rejects.toMatchObject({ code: "not-found" });
  });

  test("gets an agent with what it holds, which access is told", async () => {
    const parts = fewParts();
    await parts.cluster.create(TYPES.agents, { metadata: named("a"), spec: { image: "a:1", grants: ["chat"] } });
    expect((await requireAgent(parts, ALICE, named("a"), { action: "agent.see" })).agent.spec.image).toBe("a:1");
    expect(parts.asked[0]?.question.agent).toMatchObject({ name: "a", grants: ["chat"] });
  });
});

test("an instance has its own thread, and none of the same name that came later", async () => {
  const parts = fewParts();
  const uid = await parts.addThread("parent");
  const serving = (of: string) => anInstance({ thread: { uid: of, name: "parent", user: "alice", chain: [], grants: null, allowance: null, chainAllowances: [] } });
  expect((await requireOwnThread(parts, serving(uid))).row.uid).toBe(uid);
  for (const instance of [serving("earlier"), anInstance({ thread: null })]) await expect(requireOwnThread(parts, instance)).rejects.toMatchObject({ code: "gone", rule: "thread.gone" });
});
