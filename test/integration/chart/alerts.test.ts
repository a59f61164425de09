import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { ALERT_CASES, type AlertCase } from "../../support/alert-cases.ts";

const run = promisify(execFile);
const RULES = "charts/weir/files/alerts.yaml";

interface Rule {
  readonly alert?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: object;
}
const { groups } = parse(readFileSync(RULES, "utf8")) as { groups: { name: string; rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

let folder: string;
/** promtool compares annotations too; their templates are checked by `check rules`, their words are not the point here. */
let bare: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-alerts-"));
  bare = join(folder, "rules.yaml");
  writeFileSync(bare, stringify({ groups: groups.map((group) => ({ ...group, rules: group.rules.map(({ annotations: _, ...rule }) => rule) })) }));
});
afterAll(() => { rmSync(folder, { recursive: true }); });

/** What promtool says of one case; empty if it holds. */
async function verdict({ alert, series, minute, fires }: AlertCase): Promise<string> {
  const severity = rules.find((rule) => rule.alert === alert)?.labels?.["severity"] ?? "";
  const file = join(folder, "case.yaml");
  writeFileSync(file, stringify({
    rule_files: [bare], evaluation_interval: "1m",
    tests: [{
      interval: "1m", input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      alert_rule_test: [{ eval_time: `${minute}m`, alertname: alert, exp_alerts: fires === null ? [] : [{ exp_labels: { ...fires, severity } }] }],
    }],
  }));
  return run("promtool", ["test", "rules", file]).then(() => "", ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}${stderr}`);
}

describe("the alerts of the chart, by Prometheus' own tool", () => {
  test("are rules that it reads, templates and all", async () => {
    const { stdout } = await run("promtool", ["check", "rules", RULES]);
    expect(stdout).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  test.each(ALERT_CASES.map((one) => [`${one.alert} ${one.fires === null ? "is silent" : "fires"}: ${one.says}`, one] as const))("%s", async (_, one) => {
    expect(await verdict(one)).toBe("");
  });

  test("are each tried both ways, those about spending", () => {
    const spending = groups.filter(({ name }) => name === "weir-spend").flatMap((group) => group.rules.map(({ alert }) => alert));
    const tried = (fires: boolean) => [...new Set(ALERT_CASES.filter((one) => (one.fires !== null) === fires).map(({ alert }) => alert))];
    expect(tried(true)).toEqual(expect.arrayContaining(spending));
    expect(tried(false)).toEqual(expect.arrayContaining(spending));
    expect(tried(true)).toEqual(tried(false));
  });

  test("are tried by a tool that can say no", async () => {
    const [first] = ALERT_CASES;
    expect(await verdict({ ...first as AlertCase, fires: null })).toContain("FAILED");
  });
});
