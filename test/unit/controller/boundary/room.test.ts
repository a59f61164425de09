import { describe, expect, test } from "vitest";
import type { BoundaryResources, Seen } from "../../../../controller/boundary/resources.ts";
import { largestNamespace, withinRoom, withoutNamespace } from "../../../../controller/boundary/room.ts";
import { refused } from "../../../../controller/boundary/verdict.ts";
import { A_BUDGET, A_GRANT, resourcesOf, type World } from "../../../support/boundary-resources.ts";

const sized = (bytes: number) => ({ data: { custom: { text: "x".repeat(bytes) } } });
const LIMIT = 1_500;
const admitted = (world: World) => withinRoom(resourcesOf(world), LIMIT);
const over = (policies: Readonly<Record<string, object>>) => [...admitted({ policies }).excluded.keys()];
/** Keys of what is not read any more. */
const unread = ({ budgets, grants, agents }: BoundaryResources) => [...budgets, ...grants, ...agents].filter(({ reading }) => !reading.isReadable).map(({ key }) => key);
const manyOf = (spec: object, count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`team-a/n${String(index).padStart(2, "0")}`, spec]));

describe("the room of a namespace", () => {
  test("is shared by its policies in order of name; what does not fit is left out, what fits behind it is not", () => {
    expect(over({ "team-a/a": sized(600), "team-a/b": sized(900), "team-a/c": sized(100) })).toEqual(["team-a.b"]);
  });

  test("takes nothing of the room of others", () => {
    expect(over({ "team-a/a": sized(2_000), "team-b/a": sized(600) })).toEqual(["team-a.a"]);
  });

  test("is taken by nothing that is not understood: it is not in the boundary anyway", () => {
    expect(over({ "team-a/a": null as unknown as object, "team-a/b": sized(900) })).toEqual([]);
    expect(unread(admitted({ agents: { "team-a/odd": { dreams: "x".repeat(5_000) }, "team-a/plain": {} } }).resources)).toEqual(["team-a/odd"]);
  });

  test.each<[string, World]>([
    ["grants", { grants: manyOf(A_GRANT, 20) }], ["budgets", { budgets: manyOf(A_BUDGET, 20) }], ["agents", { agents: manyOf({ grants: ["github"] }, 20) }],
  ])("ends for %s as well: those that do not fit say so, and are not there", (_kind, world) => {
    const { resources } = admitted({ ...world, policies: { "team-b/a": sized(100) } });
    const left = unread(resources);
    expect(left.length).toBeGreaterThan(5);
    expect(left.length).toBeLessThan(20);
    const first = [...resources.budgets, ...resources.grants, ...resources.agents].find(({ key }) => key === left[0]) as Seen<unknown>;
    expect(first.reading).toEqual({ isReadable: false, reason: "TooLarge", problems: [expect.stringContaining("may take 1500 bytes together (boundary.namespaceLimitBytes)")] });
  });

  test("is not taken by what of an Agent is for its pods alone", () => {
    const env = Array.from({ length: 50 }, (_, index) => ({ name: `V${index}`, value: "x".repeat(500) }));
    expect(unread(admitted({ agents: { "team-a/coder": { image: "c:1", env } } }).resources)).toEqual([]);
  });
});

describe("the largest namespace", () => {
  const world = { policies: { "team-a/p": sized(10), "team-b/p": sized(900) }, agents: { "team-a/x": {}, "team-c/x": {} }, grants: { "team-a/g": A_GRANT } };
  const all = resourcesOf(world);

  test("is told with its policies", () => {
    expect(largestNamespace({ resources: all, excluded: new Map() })).toEqual({ name: "team-b", policies: ["team-b.p"] });
  });

  test("is judged by what is still in, of every kind", () => {
    expect(largestNamespace({ resources: all, excluded: new Map([["team-b.p", refused("TooLarge", "")]]) })).toEqual({ name: "team-a", policies: ["team-a.p"] });
  });

  test("is nobody where nothing is in", () => {
    expect(largestNamespace({ resources: resourcesOf({ agents: { "team-a/odd": { dreams: true } } }), excluded: new Map() })).toBeNull();
  });

  test("can be left out as a whole, and nobody else with it", () => {
    const resources = withoutNamespace(all, "team-a", "no room");
    expect(unread(resources)).toEqual(["team-a/g", "team-a/x"]);
    expect(resources.agents.find(({ key }) => key === "team-a/x")?.reading).toEqual({ isReadable: false, reason: "TooLarge", problems: ["no room"] });
    expect(resources.agents.find(({ key }) => key === "team-c/x")?.reading.isReadable).toBe(true);
  });
});
