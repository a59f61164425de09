import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTarget } from "../../../../proxy/exchange/read-target.ts";

const read = (target: string) => readTarget(target, "refuse");

describe("readTarget normalises once, so that policy and destination see one path", () => {
  test.each([
    ["/", "/", []],
    ["/v1/models", "/v1/models", ["v1", "models"]],
    ["/v1/", "/v1/", ["v1", ""]],
    ["/v1/../admin", "/admin", ["admin"]],
    ["/v1/%2e%2e/admin", "/admin", ["admin"]],
    ["/v1/.%2E/admin", "/admin", ["admin"]],
    ["/v1;x=/../admin", "/admin", ["admin"]],
    ["/v1/./x", "/v1/x", ["v1", "x"]],
    ["//v1", "/v1", ["v1"]],
    ["/a//b///", "/a/b/", ["a", "b", ""]],
    ["/%76%31", "/v1", ["v1"]],
    ["/a/..", "/", []],
    ["/a/b/.", "/a/b/", ["a", "b", ""]],
    ["/%e4%bd%a0", "/%E4%BD%A0", ["你"]],
    ["/a%20b", "/a%20b", ["a b"]],
    ["/a%252fb", "/a%252fb", ["a%2fb"]],
    ["/..hidden/.git", "/..hidden/.git", ["..hidden", ".git"]],
    ["/a;v=1/b", "/a;v=1/b", ["a;v=1", "b"]],
    ["/{x}|y", "/{x}|y", ["{x}|y"]],
  ])("%s becomes %s", (target, path, segments) => {
    expect(read(target)).toEqual({ path, segments, query: null });
  });

  test("the query is passed as it is, and an empty one is not no query", () => {
    expect(read("/a?b=/../%2f&c").query).toBe("b=/../%2f&c");
    expect(read("/a?").query).toBe("");
  });

  test("a path that is normal already stays the same, whatever is read twice", () => {
    fc.assert(fc.property(fc.webPath(), (text) => {
      const first = (() => { try { return read(`/${text.replace(/^\/+/, "")}`); } catch { return null; } })();
      if (first !== null) expect(read(first.path)).toEqual({ ...first, query: null });
    }));
  });
});

describe("readTarget refuses what servers read differently", () => {
  test.each([
    "/v1%2fadmin", "/v1%2Fadmin", "/v1\\admin", "/v1%5cadmin", "/v1%00", "/v1%0d%0aX", "/v1%7f", "/a#b", "/a?b#c", "/%", "/%zz", "/%4",
    "/../admin", "/a/../../b", "/..;/admin", "/a/..;x/b", "/.;/b", "/;x/b", "/%2e%2e;/b", "/%ff", "a", "", "/a b", "/\x80", "/a\x00", "/a\x7f",
  ])("%j", (target) => {
    expect(() => read(target)).toThrow(expect.objectContaining({ code: "request.malformed" }));
  });

  test("an encoded slash may be kept, and then stays inside one segment", () => {
    expect(readTarget("/@scope%2fname", "keep")).toEqual({ path: "/@scope%2Fname", segments: ["@scope/name"], query: null });
    for (const path of ["/a/b%2f..%2f..%2fadmin", "/a/..%2fb", "/a/b%2f..;x", "/a/b%2f.", "/a/b%2f%2fc", "/a/%2fb", "/a/b%2f"]) {
      expect(() => readTarget(path, "keep"), path).toThrow("beside dots");
    }
    expect(() => readTarget("/a%5cb", "keep")).toThrow(expect.objectContaining({ code: "request.malformed" }));
  });

  test("no input of 100 KB takes long", () => {
    const startedMs = performance.now();
    for (const unit of ["a", "/", "/a", "/.", "%2e", ";", "/..;"]) {
      try { read(`/${unit.repeat(100_000 / unit.length)}`); } catch { /* refused is as good */ }
    }
    expect(performance.now() - startedMs).toBeLessThan(500);
  });
});
