import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ERROR_TABLE } from "../../proxy/errors.ts";
import { filesUnder, PRODUCT, read } from "./repository.ts";

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

/** A figure that alerts use, computed ahead. */
interface Record {
  readonly record: string;
  readonly expr: string;
}

const { groups } = parse(read("charts/weir/files/alerts.yaml")) as { groups: { rules: (Rule | Record)[] }[] };
const every = groups.flatMap((group) => group.rules);
const rules = every.filter((rule) => "alert" in rule);
const records = new Set(every.flatMap((rule) => ("record" in rule ? [rule.record] : [])));
const dashboards = filesUnder("charts/weir/files/dashboards", ".json").map((path) => read(path));
const watched = [...every.map(({ expr }) => expr), ...dashboards];

/** Names of our metrics in code, histograms with the series that they bring. */
const metrics = new Set(PRODUCT.flatMap((folder) => filesUnder(folder, ".ts")).flatMap((path) => [...read(path).matchAll(/(?:name: |gauge\(|add\()"(weir_[a-z_]+)"/g)].map(([, name = ""]) => name)));

describe("alerts and dashboards", () => {
  test("name only metrics that a program has", () => {
    const named = watched.flatMap((text) => [...text.matchAll(/(?<!:)\bweir_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, "")));
    // `weir_(exchanges|connections)_total` is a pattern, not a name.
    expect([...new Set(named)].filter((name) => name !== "weir_" && !metrics.has(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });

  test("are made of metrics that docs/operations.md explains, each of them and no other", () => {
    const explained = [...read("docs/operations.md").matchAll(/^\| `(weir_[a-z_]+)` \|/gm)].map(([, name = ""]) => name);
    expect(explained.toSorted()).toEqual([...metrics].toSorted());
  });

  test("use only figures that are recorded, and each that is recorded", () => {
    const used = new Set(rules.flatMap(({ expr }) => [...expr.matchAll(/\w+:weir_\w+:\w+/g)].map(([name]) => name)));
    const forReaders = ["namespace_agent_model:weir_model_usd:rate5m", "budget_meter_namespace:weir_budget_seconds_to_cap:deriv30m"];
    expect(new Set([...used, ...forReaders])).toEqual(records);
  });

  test("name only codes that there are", () => {
    const codes = watched.flatMap((text) => [...text.matchAll(/code=\\?"([a-z.-]+)\\?"/g)].map(([, code = ""]) => code));
    expect(codes.filter((code) => !Object.hasOwn(ERROR_TABLE, code))).toEqual([]);
    expect(codes.length).toBeGreaterThan(5);
  });

  test("have each a heading in docs/runbooks.md, and nothing else has", () => {
    const headings = [...read("docs/runbooks.md").matchAll(/^## (\w+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(rules.map(({ alert }) => alert));
  });

  test.each(rules.map((rule) => [rule.alert, rule] as const))("%s says how grave it is, what is wrong and what follows", (_, rule) => {
    expect(["critical", "warning", "info"]).toContain(rule.labels.severity);
    expect(rule.annotations.summary).toMatch(/\.$/);
    expect(rule.annotations.description).toMatch(/\.$/);
    expect(rule.for).toMatch(/^\d+m$/);
  });
});
