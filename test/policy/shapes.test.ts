import { expect, test } from "vitest";
import { compiler } from "./compiler.ts";
import { aFolder } from "./folders.ts";
import { compareShape, shapes } from "./shapes.ts";

test.each(shapes(60, 6).map((shape) => [shape.name, shape] as const))("Rego about %s gives in WebAssembly what `opa eval` gives, or stops", { timeout: 60_000 }, async (_, shape) => {
  const { equal, stopped, different } = await compareShape(compiler({ skip: (note) => { throw new Error(note); } }), shape, await aFolder({}));
  expect(different).toEqual([]);
  expect(stopped).toBeLessThan(equal / 10);
});
