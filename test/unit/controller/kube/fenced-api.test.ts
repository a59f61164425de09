import { describe, expect, test } from "vitest";
import type { KubeApi } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { fencedApi } from "../../../../controller/kube/fenced-api.ts";
import { instantOf, RenewedTerm } from "../../../../controller/kube/term.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { TestClock } from "../../../support/test-clock.ts";

const POD = { namespace: "a", name: "p" };

async function stage(): Promise<{ api: KubeApi; term: RenewedTerm; clock: TestClock; cluster: MemoryKubeApi }> {
  const cluster = new MemoryKubeApi();
  await cluster.create(TYPES.pods, { metadata: POD });
  cluster.answers.set("/review", () => ({}));
  cluster.answers.set("/version", () => ({ major: "1" }));
  cluster.requests.length = 0;
  const clock = new TestClock();
  const term = new RenewedTerm(1, instantOf(clock), clock, { writesMs: 7_000, workMs: 10_000, doubtMs: 8_000 });
  return { api: fencedApi(cluster, term), term, clock, cluster };
}

const WRITES: readonly (readonly [string, (api: KubeApi) => Promise<unknown>])[] = [
  ["create", async (api) => api.create(TYPES.pods, { metadata: { namespace: "a", name: "q" } })],
  ["replace", async (api) => api.replace(TYPES.pods, { metadata: POD })],
  ["apply", async (api) => api.apply(TYPES.pods, { metadata: POD }, { fieldManager: "t", force: true })],
  ["remove", async (api) => api.remove(TYPES.pods, POD)],
  ["post", async (api) => api.post("/review", {})],
];

describe("behind the fence", () => {
  test.each(WRITES)("%s passes while the term lasts", async (_name, write) => {
    const { api, cluster } = await stage();
    await write(api);
    expect(cluster.requests).toHaveLength(1);
  });

  test.each(WRITES)("%s is refused when the term was not renewed, and no request is made", async (_name, write) => {
    const { api, clock, cluster } = await stage();
    clock.advance(7_000);
    await expect(write(api)).rejects.toMatchObject({ name: "NotLeadingError" });
    expect(cluster.requests).toEqual([]);
  });

  test.each(WRITES)("%s is refused when the term is over", async (_name, write) => {
    const { api, term, cluster } = await stage();
    term.end("of the test");
    await expect(write(api)).rejects.toMatchObject({ name: "NotLeadingError" });
    expect(cluster.requests).toEqual([]);
  });

  test("a write under way is given up when the term is lost, and not when the caller stops: that would not undo it", async () => {
    const { term } = await stage();
    const heard: AbortSignal[] = [];
    const hanging = Object.assign(new MemoryKubeApi(), { remove: async (_type: unknown, _ref: unknown, _options: unknown, signal?: AbortSignal) => { heard.push(signal!); return true; } });
    const caller = new AbortController();
    await fencedApi(hanging, term).remove(TYPES.pods, POD, {}, caller.signal);
    caller.abort();
    expect(heard[0]?.aborted).toBe(false);
    term.end("of the test");
    expect(heard[0]?.aborted).toBe(true);
  });

  test("a write does not begin when the caller has stopped", async () => {
    const { api, cluster } = await stage();
    await expect(api.remove(TYPES.pods, POD, {}, AbortSignal.abort(new Error("stopped")))).rejects.toThrow("stopped");
    expect(cluster.requests).toEqual([]);
  });

  test("reads go on after the term", async () => {
    const { api, term } = await stage();
    term.end("of the test");
    expect(await api.get(TYPES.pods, POD)).not.toBeNull();
    expect((await api.list(TYPES.pods, {})).items).toHaveLength(1);
    expect(await api.read("/version")).toEqual({ major: "1" });
    const stop = new AbortController();
    for await (const event of api.watch(TYPES.pods, {}, "1", stop.signal)) {
      expect(event.type).toBe("ADDED");
      break;
    }
  });

  test("closing leaves the API open: it belongs to whoever opened it", async () => {
    const { api } = await stage();
    await api.close();
    expect(await api.get(TYPES.pods, POD)).not.toBeNull();
  });
});
