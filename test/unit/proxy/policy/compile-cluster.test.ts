import { describe, expect, test } from "vitest";
import {
  clusterBundle, clusterSources, compileClusterData, compileClusterRego, type ClusterPolicy, type TenantPolicy,
} from "../../../../proxy/policy/compile-cluster.ts";
import { policyData } from "../../../../proxy/policy/data.ts";

const WASM = Buffer.from("wasm");
const NO_REGO: TenantPolicy["rego"] = { sources: new Map(), questions: new Set() };
const DENY = "package weir.tenant\n";

function aPolicy(namespace: string, over: Partial<Omit<TenantPolicy, "data">> & { readonly data?: object } = {}): TenantPolicy {
  const data = policyData.parse(over.data ?? { hosts: [{ name: "api.test", grants: [`${namespace}.github`] }] });
  return { namespace, name: "web", rego: NO_REGO, ...over, data };
}

function aCluster(policies: readonly TenantPolicy[], over: Partial<ClusterPolicy> = {}): ClusterPolicy {
  return { base: policyData.parse({ hosts: [{ name: "base.test" }] }), policies, holders: {}, withheld: {}, platform: "weir.internal", ...over };
}

describe("data of a cluster", () => {
  test("keeps each tenant's entries below the tenant's own id, and the operator's apart from them", () => {
    const { egress } = compileClusterData(aCluster([aPolicy("team-a"), aPolicy("team-b")]));
    expect(Object.keys(egress.hosts.exact)).toEqual(["base.test"]);
    expect(Object.keys(egress.cluster.policies)).toEqual(["team-a.web", "team-b.web"]);
    expect(egress.cluster.policies["team-b.web"]?.hosts.exact["api.test"]).toMatchObject([{ rule: "web/hosts.api.test", grants: ["team-b.github"] }]);
  });

  test("keeps custom data with its policy: nobody reads another's", () => {
    const { egress, custom } = compileClusterData(aCluster([aPolicy("team-a", { data: { custom: { limit: 3 } } })]));
    expect(custom).toEqual({});
    expect(egress.cluster.policies["team-a.web"]?.custom).toEqual({ limit: 3 });
  });

  test("says who is spoken for, who is withheld and which name stays open", () => {
    const holders = { "team-a": { coder: ["team-a.web"] } };
    const withheld = { "team-b": { coder: { reason: "no policy", hint: "" } } };
    expect(compileClusterData(aCluster([], { holders, withheld })).egress.cluster).toEqual({ holders, withheld, platform: "weir.internal", programs: [], policies: {} });
  });
});

describe("a bundle", () => {
  test("has the same revision for the same policies, and another for others", () => {
    const of = (...namespaces: string[]) => clusterBundle(aCluster(namespaces.map((namespace) => aPolicy(namespace))), WASM).revision;
    expect(of("team-a", "team-b")).toBe(of("team-a", "team-b"));
    expect(of("team-a")).not.toBe(of("team-b"));
    expect(clusterBundle(aCluster([]), Buffer.from("other")).revision).not.toBe(clusterBundle(aCluster([]), WASM).revision);
  });
});

describe("Rego of tenants", () => {
  test("is in a folder of its tenant, so that two files of one name are two", () => {
    const rego: TenantPolicy["rego"] = { sources: new Map([["mine.rego", DENY]]), questions: new Set(["exchange"]) };
    const paths = [...clusterSources([aPolicy("team-a", { rego }), aPolicy("team-b", { rego })]).keys()];
    expect(paths).toEqual(expect.arrayContaining(["tenants/team-a/web/mine.rego", "tenants/team-b/web/mine.rego"]));
  });

  test("is none for policies of data alone", () => {
    expect(clusterSources([aPolicy("team-a")]).size).toBe(0);
  });

  test("is never left out for want of a compiler", async () => {
    await expect(compileClusterRego(new Map([["a.rego", DENY]]), null)).rejects.toThrow(/no compiler/);
  });
});
