import { expect, test } from "vitest";
import { policyConfig } from "../../proxy/policy/config.ts";
import { anEngine, asks } from "./engines.ts";
import { aConnection } from "./questions.ts";

/** attacks.md D19: a wildcard covers the documented depth of labels and nothing that merely looks alike. */
const TABLE: readonly (readonly [pattern: string, name: string, isCovered: boolean])[] = [
  ["ok.test", "ok.test", true], ["ok.test", "a.ok.test", false], ["ok.test", "evilok.test", false], ["ok.test", "ok.test.evil", false], ["ok.test", "test", false],
  ["ok.test", "OK.test", false], ["ok.test", "ok.test.", false], ["ok.test", "", false],
  ["*.ok.test", "a.ok.test", true], ["*.ok.test", "ok.test", false], ["*.ok.test", "evilok.test", false], ["*.ok.test", "a.b.ok.test", false], ["*.ok.test", ".ok.test", false],
  ["*.ok.test", "*.ok.test", false], ["*.ok.test", "ok.test.evil", false], ["*.ok.test", "a.ok.test.evil", false], ["*.ok.test", "a.evilok.test", false], ["*.ok.test", "", false],
  ["**.ok.test", "a.ok.test", true], ["**.ok.test", "a.b.ok.test", true], ["**.ok.test", "a.b.c.d.ok.test", true], ["**.ok.test", "ok.test", false],
  ["**.ok.test", "evilok.test", false], ["**.ok.test", ".ok.test", false], ["**.ok.test", "a..ok.test", false], ["**.ok.test", "*.ok.test", false], ["**.ok.test", "**.ok.test", false],
  ["**.ok.test", "a.ok.test.evil", false],
  ["*", "localhost", true], ["*", "a.test", false], ["**", "localhost", true], ["**", "a.b.test", true], ["**", "", false], ["**", "a b.*", false],
];

test.each(TABLE)("%s and the name %j: covered is %s", async (pattern, name, isCovered) => {
  const engine = await anEngine(policyConfig.parse({ data: { hosts: [{ name: pattern }] } }));
  const decision = await asks(engine, "connection", aConnection({ connection: { name } }));
  expect(decision).toMatchObject(isCovered ? { kind: "allow", rule: `hosts.${pattern}` } : { kind: "deny", rule: "hosts.default" });
});
