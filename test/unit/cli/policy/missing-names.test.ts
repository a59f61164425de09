import { expect, test } from "vitest";
import { weirConfig } from "../../../../cli/config.ts";
import { missingNames } from "../../../../cli/policy/missing-names.ts";

const config = weirConfig.parse({
  grants: { github: { credential: { type: "file", path: "/secret" }, bind: { hosts: ["a.test"] } } }, budgets: { named: { daily: { meter: "requests", limit: 1, window: "day" } } },
});

test("grants and budgets that the configuration lacks are told, with what was meant", () => {
  expect(missingNames(config, { grants: ["github", "gihub", "tracker"], budgets: ["daily", "dayly"] })).toEqual([
    "the policy names the grant gihub, which the configuration does not have; did you mean github?",
    "the policy names the grant tracker, which the configuration does not have; such requests are refused",
    "the policy names the budget dayly, which the configuration does not have; did you mean daily?",
  ]);
});

test("those that it has are not", () => { expect(missingNames(config, { grants: ["github"], budgets: ["daily"] })).toEqual([]); });
