import { describe, expect, test } from "vitest";
import { compileGlobs, compileValueRule } from "../../../../proxy/policy/compile-values.ts";
import { valueRule } from "../../../../proxy/policy/data-readings.ts";

describe("globs", () => {
  test("are taken apart by what comparing them costs", () => {
    expect(compileGlobs(["read_file", "read_*", "*", "*_file", "a*b*c"])).toEqual({
      exact: ["read_file"], affixes: [["read_", ""], ["", ""], ["", "_file"]], patterns: [String.raw`(?s)\Aa.*b.*c\z`],
    });
  });

  test("hold no expression: everything but the asterisk stands for itself", () => {
    expect(compileGlobs(["*.[a-z]+(x|y)\\$*?"]).patterns).toEqual([String.raw`(?s)\A.*\.\[a-z\]\+\(x\|y\)\\\$.*\?\z`]);
  });
});

describe("a rule for a value", () => {
  const compile = (rule: unknown, path: readonly string[] = ["a"]) => compileValueRule(path.join("."), path, valueRule.parse(rule));

  test("becomes checks, all of which must hold, and what a refusal says", () => {
    expect(compile({ min: 1, max: 3, optional: true })).toEqual({
      name: "a", path: [{ key: "a", index: null }], optional: true, checks: [["max", 3], ["min", 1]],
      says: "must be a number of at most 3 and be a number of at least 1",
    });
  });

  test("of a path is without its last slash; the root covers every path", () => {
    expect(compile({ within: "/workspace/" }).checks).toEqual([["within", "/workspace"]]);
    expect(compile({ within: "/" }).checks).toEqual([["within", ""]]);
  });

  test("of an expression covers the whole text", () => {
    expect(compile({ matches: "a|b" }).checks).toEqual([["matches", String.raw`\A(?:a|b)\z`]]);
  });

  test("finds places of arrays by number, and keys that look like one by text", () => {
    expect(compile({ type: "string" }, ["list", "0", "01", "-1"]).path).toEqual([
      { key: "list", index: null }, { key: "0", index: 0 }, { key: "01", index: null }, { key: "-1", index: null },
    ]);
  });

  test("shows the beginning of a long list", () => {
    expect(compile({ one_of: Array.from({ length: 12 }, (_, index) => index) }).says).toBe("must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 …");
    expect(compile({ one_of: [null] }).says).toBe("must be null");
  });
});
