import { describe, expect, test } from "vitest";
import { conditionOf, getSeen, listSeen, readAgent, readBudget, readObject, readThread } from "../../../../cli/cluster/resources.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { aCluster, aCondition } from "../../../support/seen-cluster.ts";

const bare = { metadata: { name: "x", namespace: "team" } };

describe("objects are shown as well as they can be", () => {
  test("without a status, and without what they leave to defaults", () => {
    expect(readAgent({ ...bare, spec: {} })).toMatchObject({ spec: { policies: [], grants: [], budgets: [], mcpServers: [] }, status: { conditions: [], instances: 0 } });
    expect(readThread(bare)).toMatchObject({ spec: { agent: "", paused: false }, status: { phase: "", unread: 0, conditions: [] } });
    expect(readBudget({ ...bare, spec: { meter: "requests", limit: 5 } })).toMatchObject({ spec: { meter: "requests", limit: 5, window: "day" } });
  });

  test("with fields that are other than expected", () => {
    expect(readAgent({ ...bare, spec: { image: 7, policies: "p", mcpServers: [{ name: "m", grants: ["g"] }] }, status: { conditions: "none", instances: "many" } }))
      .toMatchObject({ spec: { image: undefined, policies: [], mcpServers: [{ name: "m", grants: ["g"], policies: [] }] }, status: { conditions: [], instances: 0 } });
    expect(readObject({ ...bare, status: "odd" })).toMatchObject({ status: { conditions: [] } });
  });

  test("in the order of their names, of one namespace or of all", async () => {
    const cluster = aCluster();
    for (const [name, namespace] of [["b", "team"], ["a", "team"], ["c", "a-team"]] as const) await cluster.add(TYPES.agents, name, { spec: {} }, namespace);
    expect((await listSeen(cluster.api, TYPES.agents, undefined, readAgent)).map(({ metadata }) => metadata.name)).toEqual(["c", "a", "b"]);
    expect((await listSeen(cluster.api, TYPES.agents, "team", readAgent)).map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
    expect(await getSeen(cluster.api, TYPES.agents, { namespace: "team", name: "z" }, readAgent)).toBeNull();
  });

  test("with the condition that is asked for", () => {
    const agent = readAgent({ ...bare, spec: {}, status: { conditions: [aCondition("Ready", "False", "RefNotFound")] } });
    expect(conditionOf(agent, "Ready")).toMatchObject({ status: "False", reason: "RefNotFound" });
    expect(conditionOf(agent, "Accepted")).toBeUndefined();
  });
});
