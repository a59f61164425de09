import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createWeirClient, type WeirClient } from "../../../client/client.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { silentLog } from "../../../common/log.ts";
import { threadsConfig } from "../../../controller/threads/config.ts";
import { openThreadStore } from "../../../controller/threads/open-thread-store.ts";
import type { ThreadStore } from "../../../controller/threads/thread-store.ts";
import { startPostgres } from "../postgres-server.ts";
import { RELEASE } from "./chart.ts";
import { startControlPlane, type ControlPlane } from "./control-plane.ts";
import { startControllerProcess, type ControllerProcess } from "./controller-process.ts";
import { ControllerStand } from "./controller-stand.ts";
import { openServiceDoor } from "./service-door.ts";
import { PodWitness, ThreadScene } from "./thread-scene.ts";

const NAMESPACE = "proof";
const WRITER = "ada";
const TOKEN_SECONDS = 4 * 3_600;
/** One writer stands for many. */
const CALLS = { callsPerSecond: 10_000, callBurst: 10_000 };

/** Sections of the controllers' configuration. */
export interface StageSettings {
  readonly kube?: Readonly<Record<string, unknown>>;
  readonly reconcile?: Readonly<Record<string, unknown>>;
}

/** What a proof of the whole controller stands on: a control plane with fake nodes and the chart's objects, PostgreSQL, and controllers in processes of their own. */
export class ThreadStage {
  readonly plane: ControlPlane;
  readonly store: ThreadStore;
  readonly scene: ThreadScene;
  readonly witness = new PodWitness();
  readonly #folder: string;
  readonly #settings: Readonly<Record<string, unknown>>;
  readonly #started: ControllerProcess[] = [];
  readonly #clients = new Map<string, WeirClient>();
  readonly #token: string;
  readonly #closing: (() => Promise<unknown>)[];

  private constructor(parts: { plane: ControlPlane; store: ThreadStore; folder: string; settings: Readonly<Record<string, unknown>>; token: string; closing: (() => Promise<unknown>)[] }) {
    this.plane = parts.plane;
    this.store = parts.store;
    this.scene = new ThreadScene(parts.plane.api, parts.store, NAMESPACE, `system:serviceaccount:${NAMESPACE}:${WRITER}`);
    this.#folder = parts.folder;
    this.#settings = parts.settings;
    this.#token = parts.token;
    this.#closing = parts.closing;
  }

  static async open(nodes: number, { kube, reconcile }: StageSettings): Promise<ThreadStage> {
    const folder = mkdtempSync(join(tmpdir(), "weir-threads-"));
    const [plane, postgres] = await Promise.all([startControlPlane({ level: 2, nodes }), startPostgres()]);
    const urlFile = join(folder, "url");
    writeFileSync(urlFile, postgres.url, { mode: 0o600 });
    const { settings } = await ControllerStand.open(plane, [NAMESPACE]);
    await plane.kubectl(["create", "serviceaccount", WRITER, "-n", NAMESPACE]);
    const token = await plane.tokenFor(`${NAMESPACE}/${WRITER}`, { audience: "weir-controller", seconds: TOKEN_SECONDS });
    const store = await openThreadStore(threadsConfig.parse({ urlFile }), silentLog);
    const { listenHost, listenPort } = settings["webhook"] as { readonly listenHost: string; readonly listenPort: number };
    const closing = [async () => store.close(), async () => plane.stop(), async () => postgres.close(), async () => rmSync(folder, { recursive: true, force: true })];
    const stage = new ThreadStage({
      plane, store, folder, token, closing,
      settings: {
        ...settings, threads: { urlFile }, webhook: { listenHost, listenPort: 0 }, api: { ...settings["api"] as object, ...CALLS },
        kube: { ...settings["kube"] as object, ...kube }, reconcile: reconcile ?? {},
      },
    });
    const door = await openServiceDoor(listenHost, listenPort, () => stage.controllers.flatMap(({ isFrozen, ports }) => (isFrozen || ports === null ? [] : [ports.webhook])));
    closing.unshift(async () => door.close());
    stage.#watch();
    return stage;
  }

  /** Those that run, the oldest first. */
  get controllers(): readonly ControllerProcess[] {
    return this.#started.filter(({ isRunning }) => isRunning);
  }

  startController(): ControllerProcess {
    const started = startControllerProcess(this.#folder, `controller-${this.#started.length}`, this.#settings);
    this.#started.push(started);
    return started;
  }

  /** Whom the Lease names, if it runs. */
  async leader(): Promise<ControllerProcess | null> {
    const lease = await this.plane.api.get(TYPES.leases, { namespace: RELEASE.namespace, name: "weir-controller" });
    const holder = (lease?.["spec"] as { readonly holderIdentity?: string } | undefined)?.holderIdentity;
    return this.controllers.find(({ identity }) => identity === holder) ?? null;
  }

  /** Posts a message through one controller's API. @param key the same key is the same message @returns whether it is new; @throws if it is not known to be taken */
  async post(thread: string, key: string, through: ControllerProcess): Promise<boolean> {
    const client = await this.#clientOf(through);
    const { data, response } = await client.api.POST("/v1/namespaces/{namespace}/threads/{thread}/messages", {
      params: { path: { namespace: NAMESPACE, thread }, header: { "idempotency-key": key } }, body: { body: key },
    });
    if (data === undefined) throw new PostRefused(response.status);
    return data.isNew;
  }

  async stop(): Promise<void> {
    await Promise.all(this.controllers.map(async (controller) => controller.kill()));
    await Promise.all([...this.#clients.values()].map(async (client) => client.close()));
    for (const close of this.#closing) await close();
  }

  #watch(): void {
    const end = new AbortController();
    const watching = this.witness.watch(this.plane.api, NAMESPACE, end.signal).catch(() => undefined);
    this.#closing.unshift(async () => {
      end.abort();
      await watching;
    });
  }

  async #clientOf({ identity, ports }: ControllerProcess): Promise<WeirClient> {
    const known = this.#clients.get(identity);
    if (known !== undefined) return known;
    if (ports === null) throw new Error(`${identity} does not serve yet`);
    const published = await this.plane.api.get(TYPES.configMaps, { namespace: RELEASE.namespace, name: "weir-ca" });
    const ca = (published?.["data"] as Readonly<Record<string, string>> | undefined)?.["ca.crt"] ?? "";
    const client = createWeirClient({ url: `https://127.0.0.1:${ports.api}`, ca, serverName: "weir.internal", token: this.#token });
    this.#clients.set(identity, client);
    return client;
  }
}

/** The API answered, and did not take the message. */
export class PostRefused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`a message was refused with ${status}`);
    this.status = status;
  }
}
