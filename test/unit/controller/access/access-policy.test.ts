import { expect, test } from "vitest";
import { accessConfig } from "../../../../controller/access/config.ts";
import type { Caller, Question } from "../../../../controller/access/access.ts";
import { accessInputOf } from "../../../../controller/access/access-input.ts";
import { accessPolicy, openAccessPolicy } from "../../../../controller/access/access-policy.ts";

const config = accessConfig.parse({});
const root: Caller = { kind: "person", name: "root", groups: ["system:masters"], isOfKubernetes: true };
const listing: Question = { action: "namespace.list", namespace: "ns" };

test("the policy that comes with Weir allows and refuses", async () => {
  const policy = await openAccessPolicy();
  expect(await policy(accessInputOf(root, listing, config, false))).toEqual({ allow: true, rule: "admin", grants: null });
  expect(await policy(accessInputOf({ ...root, groups: [] }, listing, config, false))).toMatchObject({ allow: false, rule: "namespace.list" });
});

test("asked about as many relations as there may be, it answers as before and after", async () => {
  const policy = await openAccessPolicy();
  const relations = Array.from({ length: 256 }, (_, index) => ({ relation: "participant" as const, subject: `user:${String(index).padStart(250, "x")}` }));
  const question: Question = { action: "thread.read", namespace: "ns", thread: { name: "t", uid: "u", parentUid: null, relations }, agent: { name: "a", grants: [], relations } };
  const groups = Array.from({ length: 1_000 }, (_, index) => `group-${index}`);
  for (let turn = 0; turn < 20; turn += 1) {
    expect(await policy(accessInputOf({ ...root, groups }, question, config, false))).toMatchObject({ allow: false, rule: "thread.read" });
  }
  expect(await policy(accessInputOf(root, listing, config, false))).toMatchObject({ allow: true });
});

test("what is no policy answers nothing, again and again", async () => {
  const policy = accessPolicy(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  for (let turn = 0; turn < 2; turn += 1) await expect(policy(accessInputOf(root, listing, config, false))).rejects.toMatchObject({ name: "AccessUnavailable" });
});
