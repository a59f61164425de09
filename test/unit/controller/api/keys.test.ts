import fc from "fast-check";
import { expect, test } from "vitest";
import type { Caller } from "../../../../controller/access/access.ts";
import { keyScope, messageKey, threadNameOf } from "../../../../controller/api/keys.ts";

const wish = { namespace: "ns", agent: "reviewer", scope: "person alice", key: "k" };

test("the same wish has the same name, and whatever differs makes it another", () => {
  expect(threadNameOf(wish)).toBe(threadNameOf({ ...wish }));
  const others = [{ namespace: "other" }, { agent: "writer" }, { scope: "person bob" }, { key: "l" }, { key: null }, { key: null }].map((over) => threadNameOf({ ...wish, ...over }));
  expect(new Set([threadNameOf(wish), ...others]).size).toBe(7);
});

test("a name is a DNS label, whose pod's name is one too, whatever the agent is called", () => {
  fc.assert(fc.property(fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/), fc.option(fc.string()), (agent, key) => {
    const name = threadNameOf({ ...wish, agent, key });
    expect(`weir-${name}`).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    expect(name).toMatch(/^[a-z0-9]/);
  }));
});

test("parts of a key cannot be moved across their border", () => {
  expect(messageKey("ab", "c")).not.toBe(messageKey("a", "bc"));
  expect(messageKey("a", null)).toBeNull();
});

test("people have their keys by name, instances by thread", () => {
  const instance = (podUid: string, uid: string | null): Caller => ({
    kind: "instance", namespace: "ns", pod: "p", podUid, node: "n", agent: "a", container: null,
    thread: uid === null ? null : { uid, name: "t", user: "u", chain: [], grants: null, allowance: null, chainAllowances: [] },
  });
  expect(keyScope(instance("p1", "t1"))).toBe(keyScope(instance("p2", "t1")));
  expect(keyScope(instance("p1", "t1"))).not.toBe(keyScope(instance("p1", "t2")));
  const scopes = [instance("x", null), { kind: "person", name: "x", groups: [], isOfKubernetes: true } as const, { kind: "node", node: "x" } as const].map(keyScope);
  expect(new Set(scopes).size).toBe(3);
});
