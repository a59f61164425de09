import { describe, expect, test } from "vitest";
import { compileBoundary, type Compiler } from "../../../../controller/boundary/compile-boundary.ts";
import { refused, type Refused } from "../../../../controller/boundary/verdict.ts";
import { resourcesOf, settings, type World } from "../../../support/boundary-resources.ts";

const WASM = new Uint8Array(new ArrayBuffer(4));
const WORLD = { policies: { "a/x": {}, "b/x": {}, "b/y": {} }, agents: { "a/coder": { policies: ["x"] }, "b/coder": { policies: ["x"] } } };

/** A compiler that cannot build what is in `bad`, and blames those that are. */
function aCompiler(bad: readonly string[] = [], changes: Partial<Compiler> = {}): Compiler {
  const blamed = (policies: readonly { namespace: string; name: string }[]) =>
    new Map(policies.map(({ namespace, name }) => `${namespace}.${name}`).filter((id) => bad.includes(id)).map((id): [string, Refused] => [id, refused("BuildFailed", "bad")]));
  return {
    checks: { verdicts: async () => ({ verdicts: new Map(), isComplete: true }) },
    builder: {
      knownCulprits: () => new Map(),
      culprits: async (policies) => blamed(policies),
      build: async (policies) => {
        if (blamed(policies).size > 0) throw new Error("cannot be built");
        return WASM;
      },
    },
    settings: settings(), ...changes,
  };
}
const compile = async (world: World, compiler: Compiler) => compileBoundary(resourcesOf(world), compiler, new AbortController().signal);
const reasons = ({ plan }: Awaited<ReturnType<typeof compile>>) => Object.fromEntries([...plan.policies].map(([id, { refusal }]) => [id, refusal?.reason ?? "in force"]));

describe("compiling the boundary", () => {
  test("puts everything in force that is in order", async () => {
    const compiled = await compile(WORLD, aCompiler());
    expect(reasons(compiled)).toEqual({ "a.x": "in force", "b.x": "in force", "b.y": "in force" });
    expect(compiled.isComplete).toBe(true);
  });

  test("leaves out what cannot be built, and whoever names it may do nothing", async () => {
    const compiled = await compile(WORLD, aCompiler(["b.x"]));
    expect(reasons(compiled)).toEqual({ "a.x": "in force", "b.x": "BuildFailed", "b.y": "in force" });
    expect(compiled.plan.cluster.withheld).toEqual({ b: { coder: expect.objectContaining({ reason: expect.stringContaining("EgressPolicy x is not in force") }) } });
  });

  test("leaves out at once what is known to be in the way, without building it again", async () => {
    const built: number[] = [];
    const compiler = aCompiler();
    const known = new Map([["b.x", refused("BuildFailed", "known")]]);
    const builder = {
      ...compiler.builder,
      knownCulprits: (policies: readonly { namespace: string; name: string }[]) => new Map([...known].filter(([id]) => policies.some(({ namespace, name }) => `${namespace}.${name}` === id))),
      build: async (policies: readonly object[]) => {
        built.push(policies.length);
        return WASM;
      },
    };
    expect(reasons(await compile(WORLD, { ...compiler, builder }))).toMatchObject({ "b.x": "BuildFailed" });
    expect(built).toEqual([2]);
  });

  test("fails where nobody is to blame", async () => {
    const compiler = aCompiler();
    const builder = { ...compiler.builder, build: async () => { throw new Error("no disk"); } };
    await expect(compile(WORLD, { ...compiler, builder })).rejects.toThrow("no disk");
  });

  test("says that it is not complete while a text waits for the compiler", async () => {
    const checks = { verdicts: async () => ({ verdicts: new Map(), isComplete: false }) };
    expect((await compile(WORLD, aCompiler([], { checks }))).isComplete).toBe(false);
  });

  test("ends when it is told to", async () => {
    await expect(compileBoundary(resourcesOf(WORLD), aCompiler(), AbortSignal.abort())).rejects.toThrow(/abort/);
  });
});
