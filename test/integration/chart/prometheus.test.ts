import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ControllerMetrics } from "../../../controller/admin/controller-metrics.ts";
import { DASHBOARDS } from "../../../scripts/chart/dashboards.ts";
import { aRequest, startBudgetStand, type BudgetStand } from "../../support/budget-stand.ts";
import { startPrometheus, type PrometheusServer } from "../../support/prometheus-server.ts";
import { eventually } from "../../support/whole-proxy.ts";

const RULES = "charts/weir/files/alerts.yaml";
interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
}
const rules = (parse(readFileSync(RULES, "utf8")) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

/** Panels that are empty while nothing is wrong, and nothing was made to be wrong here. */
const EMPTY_IN_HEALTH: readonly string[] = ["Requests that could not be counted"];

let scene: BudgetStand;
let controller: Server;
let prometheus: PrometheusServer;
beforeAll(async () => {
  scene = await startBudgetStand({
    budgets: {
      named: {
        cap: { meter: "usd", limit: "5", window: "day", applies: "always" },
        small: { meter: "requests", limit: 12, window: "hour", applies: "always", thresholds: [{ percent: 50, action: "notify" }] },
      },
    },
    config: { admin: { address: "127.0.0.1:0" } },
  });
  const metrics = usedController();
  controller = createServer((_, answer) => { void metrics.text().then(({ contentType, body }) => answer.setHeader("content-type", contentType).end(body)); }).listen(0, "127.0.0.1");
  await once(controller, "listening");
  const proxy = new URL(scene.stand.proxy.adminUrl ?? "").host;
  await serve();
  prometheus = await startPrometheus([
    { address: proxy, labels: { container: "proxy", pod: "weir-proxy-1" } },
    { address: `127.0.0.1:${(controller.address() as AddressInfo).port}`, labels: { container: "controller", pod: "weir-controller-1" } },
  ], RULES);
  await serve();
  // What is read after this is read of a proxy that served meanwhile; rules are evaluated after that, and a slow machine does neither each second.
  const readAgain = "min(count_over_time(up[2m]))";
  const readsBefore = Number((await prometheus.query(readAgain))[0]?.value[1]);
  await eventually("Prometheus has read what was served last, and its rules have told of it", async () => {
    const [reads] = await prometheus.query(readAgain);
    const told = await prometheus.query("budget_meter_namespace:weir_budget_seconds_to_cap:deriv30m");
    return Number(reads?.value[1]) >= readsBefore + 3 && told.length > 0;
  }, 60_000);
}, 180_000);
afterAll(async () => {
  await prometheus?.stop();
  controller?.close();
  await scene?.stop();
});

/** What finance wants to see: calls with and without usage, from the cache, beyond belief, and refused by a budget. */
async function serve(): Promise<void> {
  await scene.post(aRequest("anthropic-messages"), { cached: 10, cacheWrite: 5 });
  await scene.post(aRequest("openai-responses", true), { reasoning: 5 });
  await scene.post(aRequest("openai-chat"), { isUsageMissing: true });
  await scene.post(aRequest("openai-chat"), { lies: { completion_tokens: 900_000, total_tokens: 900_010 } });
  for (let each = 0; each < 4; each += 1) await scene.post(aRequest("openai-chat"));
  await scene.stand.ask("GET", "https://nowhere.example/").catch(() => undefined);
  await scene.settled();
}

/** The controller's own metrics, after a little of everything: a whole one needs a cluster. */
function usedController(): ControllerMetrics {
  const metrics = new ControllerMetrics();
  metrics.observeProcess();
  metrics.leading(true);
  metrics.reconciled(true, 5);
  metrics.acted("create");
  return metrics;
}

/** A query as Grafana sends it, with nothing chosen. */
function filledIn(expr: string): string {
  return expr.replaceAll("$__rate_interval", "30s").replaceAll("$__range", "1m").replaceAll(/\$\{?(namespace|agent|model|budget)\}?/g, ".*");
}

const panels = Object.entries(DASHBOARDS).flatMap(([file, { rows }]) => rows.flatMap((row) => row.panels.map((panel) => [`${file}: ${panel.title}`, panel] as const)));
const variables = Object.entries(DASHBOARDS).flatMap(([file, dashboard]) => Object.entries(dashboard.variables).map(([name, query]) => [`${file}: ${name}`, query] as const));

describe("against a real Prometheus, that read a proxy which served models", () => {
  test.each(panels)("%s has data", async (_, { title, queries }) => {
    for (const { expr } of queries) {
      const found = await prometheus.query(filledIn(expr));
      if (!EMPTY_IN_HEALTH.includes(title)) expect(found, expr).not.toEqual([]);
    }
  });

  test.each(variables)("the choice %s has something to choose", async (_, query) => {
    const [, selector = "", label = ""] = /^label_values\((.*), (\w+)\)$/.exec(filledIn(query)) ?? [];
    expect(await prometheus.labelValues(label, selector)).not.toEqual([]);
  });

  test("every alert and every recorded figure can be evaluated", async () => {
    for (const { expr } of rules) await prometheus.query(expr);
    expect(await prometheus.brokenRules()).toEqual([]);
  });

  test.each(rules.filter(({ record }) => record !== undefined).map(({ record = "" }) => record))("%s is recorded", async (record) => {
    expect(await prometheus.query(record)).not.toEqual([]);
  });

  test("what went wrong here is told: a budget that refuses, a count beyond belief", async () => {
    const firing = (await prometheus.query('ALERTS{alertstate="firing"}')).map(({ metric }) => metric["alertname"]);
    expect(firing).toEqual(expect.arrayContaining(["WeirBudgetExhausted", "WeirUsageUnsound"]));
  });

  test("the dollars of the metrics are those that the provider counted", async () => {
    const [total] = await prometheus.query("sum(weir_model_usd_total)");
    const charged = scene.uses().reduce((sum, use) => sum + BigInt(use.charged?.nanoUsd ?? "0"), 0n);
    expect(Number(total?.value[1])).toBeCloseTo(Number(charged) / 1e9, 9);
  });
});
