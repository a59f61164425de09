import { expect, test } from "vitest";
import { clusterUsage } from "../../../../cli/top/cluster-usage.ts";
import { readSamples } from "../../../../cli/cluster/metrics-text.ts";
import type { ProxyReport } from "../../../../cli/cluster/node-proxies.ts";

const report = (node: string, text: string, trouble: string | null = null): ProxyReport => ({ proxy: { pod: `p-${node}`, node, isReady: true }, samples: readSamples(text, "weir_"), trouble });
const who = (agent: string, more = "") => `namespace="team",agent="${agent}"${more}`;

test("nodes are added up by agent; an agent that uses several models says so", () => {
  const { used, troubles } = clusterUsage([
    report("a", `weir_model_requests_total{${who("w", ',model="m",estimated="false"')}} 3\nweir_model_usd_total{${who("w", ',model="m",estimated="false"')}} 0.5\nweir_exchanges_total{agent="w",outcome="allowed",code="ok"} 9`),
    report("b", `weir_model_requests_total{${who("w", ',model="n",estimated="true"')}} 1\nweir_model_tokens_total{${who("w", ',model="n",kind="input"')}} 70\nweir_budget_refusals_total{${who("w", ',budget="x"')}} 2`),
    report("c", "", "no answer"),
  ], undefined);
  expect(used).toEqual([{ agent: "team/w", thread: null, model: "several", requests: 4, refusals: 2, tokens: 70, nanoUsd: 500_000_000n, open: null }]);
  expect(troubles).toEqual(["c: no answer"]);
});

test("another namespace is not shown where one is asked for", () => {
  const text = `weir_model_requests_total{${who("w")},model="m"} 3`;
  expect(clusterUsage([report("a", text)], "other").used).toEqual([]);
  expect(clusterUsage([report("a", text)], "team").used).toHaveLength(1);
});
