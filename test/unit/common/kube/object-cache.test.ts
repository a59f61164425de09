import fc from "fast-check";
import { expect, test } from "vitest";
import type { KubeObject } from "../../../../common/kube/kube-api.ts";
import { ObjectCache, type Change } from "../../../../common/kube/object-cache.ts";

const objects = fc.uniqueArray(fc.record({ name: fc.constantFrom("a", "b", "c", "d"), uid: fc.constantFrom("1", "2"), resourceVersion: fc.constantFrom("7", "8") }), { selector: ({ name }) => name })
  .map((all) => all.map((metadata): KubeObject => ({ metadata })));

/** What a listener that only follows changes believes is there. */
function follow(believed: Map<string, KubeObject>, changes: readonly Change[]): void {
  for (const [key, object] of changes) {
    if (object === null) believed.delete(key.name);
    else believed.set(key.name, object);
  }
}

test("whoever follows the changes of lists knows the last list", () => {
  fc.assert(fc.property(fc.array(objects, { maxLength: 6 }), (lists) => {
    const cache = new ObjectCache((object) => object);
    const believed = new Map<string, KubeObject>();
    for (const list of lists) follow(believed, cache.replaceAll(list));
    expect([...believed.values()].map(({ metadata }) => metadata).toSorted((a, b) => a.name.localeCompare(b.name)))
      .toEqual((lists.at(-1) ?? []).map(({ metadata }) => metadata).toSorted((a, b) => a.name.localeCompare(b.name)));
  }));
});

test("a list that says nothing new changes nothing", () => {
  fc.assert(fc.property(objects, (list) => {
    const cache = new ObjectCache((object) => object);
    cache.replaceAll(list);
    expect(cache.replaceAll(structuredClone(list))).toEqual([]);
  }));
});

test("objects of the same name in two namespaces are two", () => {
  const cache = new ObjectCache((object) => object);
  cache.put({ metadata: { name: "x", namespace: "one" } });
  cache.put({ metadata: { name: "x", namespace: "two" } });
  expect(cache.list()).toHaveLength(2);
  expect(cache.drop({ metadata: { name: "x", namespace: "one" } })).toEqual([[{ name: "x", namespace: "one" }, null]]);
  expect(cache.drop({ metadata: { name: "x", namespace: "one" } })).toEqual([]);
  expect(cache.list()).toHaveLength(1);
});
