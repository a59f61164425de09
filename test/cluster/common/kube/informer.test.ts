import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { openKubeApi, type KubeApiOptions } from "../../../../common/kube/http-kube-api.ts";
import { openInformer } from "../../../../common/kube/informer.ts";
import { fixedAccess } from "../../../../common/kube/kube-access.ts";
import type { Informer, KubeApi } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog, type Log } from "../../../../common/log.ts";
import { Secret } from "../../../../common/secret.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";
import { startTcpRelay, type TcpRelay } from "../../../support/kube/tcp-relay.ts";

const environment = readEnvironment();
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, PROGRAMS_OF_LEVEL[1]) : await findKubernetes(environment, PROGRAMS_OF_LEVEL[1]);

const HOME = "watched";
const at = (name: string) => ({ namespace: HOME, name });
/** A machine of two cores that runs other tests besides; informers pause for up to half a minute. */
const POLL = { timeout: 60_000, interval: 100 };

describe.skipIf(programs === null)("an informer on a real API server (npm run verify:cluster builds it)", () => {
  let plane: ControlPlane;
  const closers: (() => Promise<void> | void)[] = [];
  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    await plane.createNamespace(HOME);
  });
  afterEach(async () => { for (const close of closers.splice(0).reverse()) await close(); });
  afterAll(async () => { await plane?.stop(); });

  function openApi(port: number, options: KubeApiOptions = {}): KubeApi {
    const { certPem, keyPem } = plane.admin;
    const api = openKubeApi(fixedAccess(`https://127.0.0.1:${port}`, { caPem: plane.caPem, certPem, keyPem: new Secret(keyPem) }), options);
    closers.push(async () => api.close());
    return api;
  }

  async function openRelay(): Promise<TcpRelay> {
    const { hostname, port } = new URL(plane.url);
    const relay = await startTcpRelay({ host: hostname, port: Number(port) });
    closers.push(async () => relay.close());
    return relay;
  }

  async function running(api: KubeApi, log: Log = silentLog): Promise<Informer> {
    const stop = new AbortController();
    const informer = openInformer(api, TYPES.configMaps, { namespace: HOME }, { log });
    const run = informer.run(stop.signal);
    closers.push(async () => { stop.abort(); await run; });
    await informer.synced(AbortSignal.timeout(30_000));
    return informer;
  }

  const stateOf = (objects: readonly { readonly metadata: { readonly name: string; readonly resourceVersion?: string } }[]) =>
    objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).toSorted();

  /** Changes of each kind, and waits until the cache is what a fresh list is. */
  async function expectInStep(informer: Informer, round: string): Promise<void> {
    await change(round);
    await expect.poll(async () => stateOf(informer.list()), POLL).toEqual(stateOf((await plane.api.list(TYPES.configMaps, { namespace: HOME })).items));
    expect(informer.get(at(`${round}-stays`))?.["data"]).toEqual({ round });
  }

  async function change(round: string): Promise<void> {
    const made = await plane.api.create(TYPES.configMaps, { metadata: at(`${round}-stays`) });
    await plane.api.create(TYPES.configMaps, { metadata: at(`${round}-goes`) });
    await plane.api.replace(TYPES.configMaps, { ...made, data: { round } });
    await plane.api.remove(TYPES.configMaps, at(`${round}-goes`));
  }

  test("survives connections that are cut, again and again", async () => {
    const relay = await openRelay();
    const informer = await running(openApi(relay.port));
    for (const round of ["cut-one", "cut-two"]) {
      relay.cut();
      await expectInStep(informer, round);
    }
  });

  test("survives a peer that says nothing any more although its connection lives", async () => {
    const relay = await openRelay();
    const events: string[] = [];
    const log: Log = { ...silentLog, warn: (_event, fields) => { events.push(`${String(fields?.["error"])}: ${String(fields?.["next"])}`); } };
    const informer = await running(openApi(relay.port, { silentMs: 2_000, readTimeoutMs: 5_000 }), log);
    await expectInStep(informer, "silent-before");
    relay.stall();
    await change("silent-meanwhile");
    await expect.poll(() => events.some((event) => /not a byte for 2000 ms: list/.test(event)), POLL).toBe(true);
    relay.recover();
    await expectInStep(informer, "silent");
    expect(informer.get(at("silent-meanwhile-stays"))).toBeDefined();
  });

  test("survives a restart of the API server, also when its version is too old by then", async () => {
    const relay = await openRelay();
    const requests: string[] = [];
    const informer = await running(counting(openApi(relay.port), (request) => { requests.push(request); }));
    await expectInStep(informer, "before");
    relay.stall();
    relay.cut();
    await change("away");
    await plane.restartApiServer();
    await change("away-again");
    relay.recover();
    relay.cut();
    await expectInStep(informer, "back");
    expect(requests.filter((request) => request === "list").length).toBeGreaterThanOrEqual(2);
  });

  test("fifty of them come through a restart without a storm", async () => {
    const { port } = new URL(plane.url);
    const times: number[] = [];
    const api = counting(openApi(Number(port)), () => { times.push(performance.now()); });
    const informers = await Promise.all(Array.from({ length: 50 }, async () => running(api)));
    await plane.killApiServer();
    const killedMs = performance.now();
    times.length = 0;
    await plane.startApiServer();
    await change("storm");
    const expected = stateOf((await plane.api.list(TYPES.configMaps, { namespace: HOME })).items);
    await expect.poll(() => informers.filter((informer) => JSON.stringify(stateOf(informer.list())) === JSON.stringify(expected)).length, POLL).toBe(50);
    const busiest = Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + 1_000).length));
    const seconds = (performance.now() - killedMs) / 1_000;
    expect(busiest, "requests within a second").toBeLessThanOrEqual(100);
    expect(times.length, `requests within ${Math.round(seconds)} s`).toBeLessThanOrEqual(50 * 2 * (2 + Math.log2(seconds + 1)));
  });
});

function counting(api: KubeApi, onRequest: (request: "list" | "watch") => void): KubeApi {
  return Object.create(api, {
    list: { value: async (...args: Parameters<KubeApi["list"]>) => { onRequest("list"); return api.list(...args); } },
    watch: { value: (...args: Parameters<KubeApi["watch"]>) => { onRequest("watch"); return api.watch(...args); } },
  }) as KubeApi;
}
