import { describe, expect, test } from "vitest";
import { standingOf, total } from "../../../../cli/cluster/budget-spending.ts";
import type { ProxyReport } from "../../../../cli/cluster/node-proxies.ts";
import { readAgent, readBudget } from "../../../../cli/cluster/resources.ts";
import { aCondition } from "../../../support/seen-cluster.ts";

const metadata = { name: "daily", namespace: "team" };
const budget = (window = "day") => readBudget({ metadata, spec: { meter: "requests", limit: 100, window }, status: { conditions: [aCondition("Accepted", "True")] } });
const agent = (name: string, namespace: string, spec: object) => readAgent({ metadata: { name, namespace }, spec });
const said = (node: string, ...amounts: readonly (readonly [string, string, number])[]): ProxyReport => ({
  proxy: { pod: `p-${node}`, node, isReady: true }, trouble: null, samples: amounts.map(([name, id, value]) => ({ name, value, labels: { budget: id, meter: "requests" } })),
});
const SILENT: ProxyReport = { proxy: { pod: "p", node: "c", isReady: true }, samples: [], trouble: "no answer" };

describe("where a budget stands", () => {
  test("is what each node's proxy has counted for it, and for no budget of another namespace", () => {
    const reports = [said("a", ["weir_budget_spent", "other.daily", 9], ["weir_budget_spent", "team.daily", 40], ["weir_budget_held", "team.daily", 2]), said("b"), SILENT];
    const { spending } = standingOf(budget(), [], reports);
    expect(spending).toEqual([{ node: "a", spent: 40, reserved: 2 }, { node: "b", spent: 0, reserved: 0 }]);
    expect(total(spending ?? [])).toBe(40);
  });

  test("is not known where nobody could be heard, and no sum for a budget that is counted by thread", () => {
    expect(standingOf(budget(), [], [SILENT]).spending).toBeNull();
    expect(standingOf(budget("thread"), [], [said("a")]).spending).toBeNull();
  });

  test("names those who are charged: agents and servers of its namespace", () => {
    const agents = [agent("a", "team", { budgets: ["daily"] }), agent("b", "team", { mcpServers: [{ name: "m", budgets: ["daily"] }, { name: "n" }] }), agent("c", "other", { budgets: ["daily"] })];
    expect(standingOf(budget(), agents, [])).toMatchObject({ holders: ["a", "b.m"], isAccepted: true, reason: "Accepted" });
  });

  test("says that no controller has looked at it", () => {
    expect(standingOf(readBudget({ metadata, spec: {} }), [], [])).toMatchObject({ isAccepted: false, reason: "Pending" });
  });
});
