import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../common/clock.ts";
import { silentLog } from "../../common/log.ts";
import { RegoBuilder } from "../../controller/boundary/build.ts";
import { compileBoundary } from "../../controller/boundary/compile-boundary.ts";
import { RegoChecks } from "../../controller/boundary/rego-checks.ts";
import { compileClusterRego } from "../../proxy/policy/compile-cluster.ts";
import { policyConfig } from "../../proxy/policy/config.ts";
import { DATA_MEMORY_LIMIT_BYTES, dataMemoryBytes } from "../../proxy/policy/data-memory.ts";
import { ReloadingPolicyEngine } from "../../proxy/policy/engine.ts";
import { WasmPolicy } from "../../proxy/policy/wasm-policy.ts";
import { resourcesOf, settings } from "../support/boundary-resources.ts";
import { asks } from "./engines.ts";
import { anExchange } from "./questions.ts";

const NEVER = new AbortController().signal;
const { deadlineMs, memoryLimitBytes } = policyConfig.parse({});

describe("data that take no more than the estimate allows", () => {
  const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

  /** What is dearest in the evaluator for its length as text. */
  test.each<[string, (count: number) => unknown]>([
    ["short numbers", (count) => times(count, (index) => index % 10)],
    ["empty objects", (count) => times(count, () => ({}))],
    ["lists in lists", (count) => times(count, () => [[[[[[[1]]]]]]])],
  ])("load with the default ceiling: %s", async (_what, make) => {
    const each = (dataMemoryBytes(make(1_000)) - dataMemoryBytes(make(0))) / 1_000;
    const custom = make(Math.floor(DATA_MEMORY_LIMIT_BYTES / each) - 10);
    expect(dataMemoryBytes({ custom })).toBeGreaterThan(0.99 * DATA_MEMORY_LIMIT_BYTES);
    await WasmPolicy.open(await compileClusterRego(new Map(), null), { custom }, { limits: { deadlineMs, memoryLimitBytes }, clock: systemClock });
  });
});

test("a bundle that the boundary hands over is opened in a thread of its own, and one that is not fit changes nothing", async () => {
  const context = { log: silentLog, clock: systemClock, environment: {}, held: () => null };
  const engine = await ReloadingPolicyEngine.open(policyConfig.parse({}), context);
  const threads: unknown[] = [];
  const note = (message: unknown): void => { threads.push(message); };
  subscribe("worker_threads", note);
  onTestFinished(() => { unsubscribe("worker_threads", note); });
  const [{ revision }, together] = [engine, vi.fn<() => void>()];
  await expect(engine.adopt({ packed: Buffer.from("no bundle"), revision: "2" }, together)).rejects.toThrow("cannot use the policy bundle of the boundary 2: the bundle is not a gzip file");
  expect(threads).toHaveLength(1);
  expect(together).not.toHaveBeenCalled();
  expect(engine.revision).toBe(revision);
});

test("policies of a few namespaces, each within its room, cannot keep the boundary of all others from coming into force", async () => {
  const hosts = Array.from({ length: 1_000 }, (_, index) => ({ name: `h${index}` }));
  const crowd = Array.from({ length: 30 }, (_, index): [string, object] => [`crowd-${index % 3}/p${index}`, { data: { hosts } }]);
  const resources = resourcesOf({
    agents: { "team-a/reviewer": { policies: ["web"] } },
    policies: { ...Object.fromEntries(crowd), "team-a/web": { data: { hosts: [{ name: "api.example.com" }] } } },
  });
  const compiler = { checks: new RegoChecks(null), builder: new RegoBuilder(null), settings: settings() };
  const { plan, packed } = await compileBoundary(resources, compiler, NEVER);
  const left = [...plan.policies].filter(([, { refusal }]) => refusal?.reason === "TooLarge").map(([id]) => id.split(".", 1)[0]);
  expect(left.length).toBeGreaterThan(0);
  expect(left).not.toContain("team-a");
  const context = { log: silentLog, clock: systemClock, environment: {}, held: () => null };
  const engine = await ReloadingPolicyEngine.open(policyConfig.parse({ deadlineMs: 2_000 }), context);
  await engine.adopt({ packed: packed.bundle, revision: packed.revision }, () => {});
  const question = anExchange({ agent: { namespace: "team-a", name: "reviewer" }, connection: { name: "api.example.com" } });
  expect(await asks(engine, "exchange", question)).toMatchObject({ kind: "allow" });
});
