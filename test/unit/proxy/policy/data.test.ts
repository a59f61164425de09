import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../../common/config.ts";
import { policyData } from "../../../../proxy/policy/data.ts";

const problemsOf = (text: string): readonly string[] => {
  try {
    parseConfig(policyData, "data.yaml", text);
    return [];
  } catch (error) {
    return (error as { problems: readonly string[] }).problems;
  }
};

describe("policy data", () => {
  test("may be empty, and then allows nothing", () => {
    expect(policyData.parse({})).toEqual({ hosts: [], addresses: [], names: { hide: [] }, packs: [], custom: {} });
  });

  test("names every problem at once, each with its place", () => {
    expect(problemsOf(`
hosts:
  - name: "https://api.test"
    methods: [get]
    paths: ["v1"]
    agents: [reviewer]
  - name: b.test
    grant: [x]
addresses:
  - cidr: 10.1.2.3/8
`)).toEqual([
      expect.stringMatching(/^line \d+: hosts\.0\.name: "https:\/\/api\.test" is not a host name/),
      expect.stringMatching(/^line \d+: hosts\.0\.agents\.0: "reviewer" an agent is written/),
      expect.stringMatching(/^line \d+: hosts\.0\.methods\.0: a method is upper case/),
      expect.stringMatching(/^line \d+: hosts\.0\.paths\.0: "v1" a path starts with/),
      expect.stringMatching(/^line \d+: hosts\.1\.grant: unknown key; did you mean grants\?$/),
      expect.stringMatching(/^line \d+: addresses\.0\.cidr: .*begins at 10\.0\.0\.0\/8/),
      expect.stringMatching(/^line \d+: addresses\.0\.ports: /),
    ]);
  });

  test.each([
    ["methods of a tunnel", "{name: a.test, handling: tunnel, methods: [GET]}", "not read"],
    ["grants of a tunnel", "{name: a.test, handling: tunnel, grants: [x]}", "not read"],
    ["a session without databases", "{name: a.test, handling: postgres, grants: [x]}", "databases"],
    ["a session without a grant", "{name: a.test, handling: postgres, databases: [app]}", "the one grant"],
    ["a session with two grants", "{name: a.test, handling: postgres, databases: [app], grants: [x, y]}", "the one grant"],
    ["methods of a session", "{name: a.test, handling: postgres, databases: [app], grants: [x], methods: [GET]}", "no meaning with handling postgres"],
    ["databases of what is intercepted", "{name: a.test, databases: [app]}", "handling postgres only"],
    ["users of a tunnel", "{name: a.test, handling: tunnel, users: [app]}", "handling postgres only"],
    ["databases of a deny", "{name: a.test, effect: deny, databases: [app]}", "no meaning"],
    ["a credential over plain http", "{name: a.test, schemes: [http], grants: [x]}", "in the clear"],
    ["grants of a deny", "{name: a.test, effect: deny, grants: [x]}", "no meaning"],
    ["handling of a deny", "{name: a.test, effect: deny, handling: tunnel}", "no meaning"],
    ["a reason of an allow", "{name: a.test, reason: because}", "effect: deny"],
    ["no port at all", "{name: a.test, ports: []}", "ports"],
    ["a port that is none", "{name: a.test, ports: [70000]}", "ports"],
    ["an effect nobody knows", "{name: a.test, effect: maybe}", "effect"],
    ["nine grants", `{name: a.test, grants: [${Array.from({ length: 9 }, (_, n) => `g${n}`).join(", ")}]}`, "grants"],
  ])("refuses %s", (_, entry, reason) => {
    expect(problemsOf(`hosts: [${entry}]`).join("\n")).toContain(reason);
  });

  test("is never read twice under one key", () => {
    expect(problemsOf("hosts: []\nhosts: []\n").join()).toMatch(/unique/i);
  });
});
