import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { freePort } from "./free-port.ts";
import { eventually } from "./whole-proxy.ts";

/** Looks at its targets and its rules so often, in seconds. */
const INTERVAL_SECONDS = 1;
const START_MS = 30_000;

export interface Target {
  /** `127.0.0.1:PORT`; its `/metrics` is read. */
  readonly address: string;
  /** As a PodMonitor would set them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** One series of an answer, with its newest value. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** A real Prometheus on this machine, with our rules. */
export interface PrometheusServer {
  /** What an instant query finds. @throws Error with Prometheus' own words for a query that it does not take */
  query(expr: string): Promise<readonly Series[]>;
  /** Names of series that there are, as `label_values` of Grafana asks for them. */
  labelValues(label: string, selector: string): Promise<readonly string[]>;
  /** Rules that it could not evaluate, with its words. */
  brokenRules(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** Starts `prometheus` and waits until it has read every target twice: rates need two. */
export async function startPrometheus(targets: readonly Target[], rulesFile: string): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), "weir-prometheus-"));
  const configFile = join(folder, "prometheus.yml");
  writeFileSync(configFile, stringify({
    global: { scrape_interval: `${INTERVAL_SECONDS}s`, evaluation_interval: `${INTERVAL_SECONDS}s` }, rule_files: [resolve(rulesFile)],
    scrape_configs: [{ job_name: "weir", static_configs: targets.map(({ address, labels }) => ({ targets: [address], labels })) }],
  }));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn("prometheus", [`--config.file=${configFile}`, `--storage.tsdb.path=${join(folder, "data")}`, `--web.listen-address=${address}`], { stdio: "ignore" });
  const stop = async () => {
    const exited = child.exitCode === null ? once(child, "exit") : undefined;
    child.kill();
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const query: PrometheusServer["query"] = async (expr) => ask<{ result: Series[] }>(address, "query", { query: expr }).then(({ result }) => result);
  try {
    await once(child, "spawn");
    await eventually("Prometheus has read its targets twice", async () => {
      const twice = await query("count_over_time(up[1m]) >= 2 and up == 1").catch(() => []);
      return twice.length === targets.length;
    }, START_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    query, stop,
    labelValues: async (label, selector) => ask<string[]>(address, `label/${label}/values`, { "match[]": selector }),
    brokenRules: async () => {
      const { groups } = await ask<{ groups: { rules: { name: string; lastError?: string }[] }[] }>(address, "rules", {});
      return groups.flatMap(({ rules }) => rules).flatMap(({ name, lastError = "" }) => (lastError === "" ? [] : [`${name}: ${lastError}`]));
    },
  };
}

async function ask<T>(address: string, path: string, parameters: Readonly<Record<string, string>>): Promise<T> {
  const answer = await fetch(`http://${address}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
  const said = await answer.json() as { readonly status: string; readonly data: T; readonly error?: string };
  if (said.status !== "success") throw new Error(said.error ?? `Prometheus answered ${answer.status}`);
  return said.data;
}
