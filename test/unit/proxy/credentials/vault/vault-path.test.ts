import { describe, expect, test } from "vitest";
import { encodePath, fillPath, isPerAgent, vaultPath, vaultTemplate } from "../../../../../proxy/credentials/vault/vault-path.ts";
import { AN_AGENT } from "../../../../support/credentials.ts";

const agent = (over: Partial<typeof AN_AGENT>) => ({ ...AN_AGENT, namespace: "team", name: "ada", ...over });

describe("a path with the agent in it", () => {
  test("is filled segment by segment", () => {
    expect(fillPath("apps/{namespace}/{agent}/db-{agent}", agent({}))).toEqual(["apps", "team", "ada", "db-ada"]);
    expect([isPerAgent("a/{agent}"), isPerAgent("a/b")]).toEqual([true, false]);
  });

  test.each(["../x", "..", ".", "", "a/b", "a\\b", "%2e%2e", "a%2fb", "a b", "a\nb", "-x", "ä", "a?x", "a#x", "{agent}", "x".repeat(254)])("is not filled with the name %j", (name) => {
    expect(() => fillPath("apps/{agent}", agent({ name }))).toThrow("forbidden: the agent's name cannot be part of a path");
    expect(() => fillPath("apps/{namespace}", agent({ namespace: name }))).toThrow("forbidden: the namespace's name cannot be part of a path");
  });

  test.each(["a/{agent}", "{namespace}/{agent}", "a/x-{agent}-y", "a"])("may be %j", (path) => {
    expect(vaultTemplate.safeParse(path).success).toBe(true);
  });

  test.each(["{namespace}-{agent}", "{agent}{agent}", "{thread}", "a/{agent", "a/}", "a//b", "../{agent}", "{agent}/..", "", "/a", "a/"])("may not be %j", (path) => {
    expect(vaultTemplate.safeParse(path).success).toBe(false);
  });
});

describe("a path", () => {
  test("is encoded segment by segment", () => {
    expect(encodePath(["a b", "c?d", "e#f", "g%h"])).toBe("a%20b/c%3Fd/e%23f/g%25h");
  });

  test.each([[".."], ["."], [""], ["a/b"], ["a\\b"], ["a\0"], ["x".repeat(257)]])("with the segment %j is refused, not repaired", (segment) => {
    expect(() => encodePath(["secret", segment])).toThrow("malformed: the path of the secret is not acceptable");
  });

  test.each(["../x", "a/../b", "a//b", "/a", "a/", ""])("is not configured as %j", (path) => {
    expect(vaultPath.safeParse(path).success).toBe(false);
  });
});
