import { describe, expect, test } from "vitest";
import { containerDummies } from "../../../../controller/boundary/container-dummies.ts";
import { agentSpec, type Agent } from "../../../../controller/resources/agent.ts";
import { credentialGrantSpec, type CredentialGrant } from "../../../../controller/resources/credential-grant.ts";

const GRANTS: Readonly<Record<string, object>> = { model: { use: "anthropic" }, search: { use: "brave" }, publish: { use: "npm" } };
const grantOf = (name: string): CredentialGrant | null => {
  const spec = GRANTS[name];
  return spec === undefined ? null : { metadata: { name, namespace: "team", uid: name }, spec: credentialGrantSpec.parse({ ...spec, vault: { path: name, key: "k" } }) };
};
const agent: Agent = {
  metadata: { name: "coder", namespace: "team", uid: "a" },
  spec: agentSpec.parse({ grants: ["model", "publish", "gone"], mcpServers: [{ name: "web", image: "web:1", port: 8_001, grants: ["search"] }, { name: "files", image: "files:1", port: 8_002 }] }),
};
const names = (dummies: ReturnType<typeof containerDummies>, container: string) => Object.keys(dummies[container]?.variables ?? {});

describe("the dummies of an instance", () => {
  test("are for each container those of its own grants", () => {
    const dummies = containerDummies(agent, null, grantOf);
    expect(names(dummies, "agent")).toEqual(expect.arrayContaining(["ANTHROPIC_API_KEY", "NPM_TOKEN"]));
    expect(names(dummies, "agent")).not.toContain("BRAVE_API_KEY");
    expect(names(dummies, "web")).toEqual(["BRAVE_API_KEY"]);
    expect(names(dummies, "files")).toEqual([]);
    expect([Object.keys(dummies["agent"]?.files ?? {}), Object.keys(dummies["web"]?.files ?? {})]).toEqual([["NPM_CONFIG_USERCONFIG"], []]);
  });

  test("are no more than the thread was given", () => {
    const dummies = containerDummies(agent, ["publish"], grantOf);
    expect(names(dummies, "agent")).toContain("NPM_TOKEN");
    expect(names(dummies, "agent")).not.toContain("ANTHROPIC_API_KEY");
    expect(names(dummies, "web")).toEqual([]);
  });
});
