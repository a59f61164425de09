import { describe, expect, test } from "vitest";
import { isPathPattern, matchesPath } from "../../../../proxy/credentials/path-pattern.ts";

describe("a path pattern", () => {
  test.each([
    ["/v1/**", "/v1/things"], ["/v1/**", "/v1/a/b/c"], ["/v1/**", "/v1"], ["/v1/**", "/v1/"], ["/**", "/"], ["/**", "/any/thing"],
    ["/repos/*/issues", "/repos/weir/issues"], ["/projects/*%2f*", "/projects/acme%2Fapp"], ["/a%2Fb", "/a%2Fb"], ["/", "/"], ["/v1/", "/v1/"], ["/v1", "/v1"],
  ])("%s stands for %s", (pattern, path) => {
    expect(matchesPath(pattern, path)).toBe(true);
  });

  test.each([
    ["/v1/**", "/v10/things"], ["/v1/**", "/V1/things"], ["/v1/**", "/"], ["/v1/**", "/x/v1/things"], ["/repos/*/issues", "/repos/a/b/issues"],
    ["/repos/*/issues", "/repos//issues"], ["/*", "/-%2Fuser"], ["/*%2F*", "/acme"], ["/*%2F*", "/a%2Fb%2Fc"], ["/*%2F*", "/%2Fb"], ["/v1", "/v1/"], ["/v1/", "/v1"], ["/**", "*"], ["/v1/**", "v1/things"], ["/a/*", "/a"],
  ])("%s does not stand for %s", (pattern, path) => {
    expect(matchesPath(pattern, path)).toBe(false);
  });

  test.each(["/", "/**", "/v1/**", "/a/*/b", "/v1/"])("%s is one", (pattern) => {
    expect(isPathPattern(pattern)).toBe(true);
  });

  test.each(["", "v1/**", "/**/x", "/a*", "/@*%2F*", "/a%2F..", "/a%2F", "/v1/*.json", "/a//b", "/../x", "/./x", "/a?b", "/a#b", "/a b", "/a\\b", "/a\nb"])("%j is none", (pattern) => {
    expect(isPathPattern(pattern)).toBe(false);
  });
});
