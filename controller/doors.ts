import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../common/clock.ts";
import type { KubeApi } from "../common/kube/kube-api.ts";
import { TYPES } from "../common/kube/resource-types.ts";
import type { LedgerStore } from "../common/ledger/ledger-store.ts";
import type { Lifecycle } from "../common/lifecycle.ts";
import type { Log } from "../common/log.ts";
import type { PemPair } from "../common/tls/ca.ts";
import type { Access } from "./access/access.ts";
import type { ClusterObjects } from "./access/cluster-objects.ts";
import type { ControllerMetrics } from "./admin/controller-metrics.ts";
import { openApi, type OpenApi } from "./api/open-api.ts";
import type { ApprovalStore } from "./approvals/approval-store.ts";
import type { ControllerConfig } from "./config.ts";
import { governPod } from "./pods/govern-pod.ts";
import { ledgerOfNode } from "./ledger/governed-ledger.ts";
import type { KnownBudgets } from "./ledger/known-budgets.ts";
import type { PodSettings } from "./pods/pod-settings.ts";
import { readAgent } from "./resources/read.ts";
import type { ThreadStore } from "./threads/thread-store.ts";
import { issueApiCertificate } from "./webhook/boundary-ca.ts";
import { WebhookCertificates } from "./webhook/certificates.ts";
import { WebhookServer, type WebhookDeps } from "./webhook/server.ts";

/** Each replica signs its own; it is made again, while it is open, when half of this is over. */
const API_CERTIFICATE_MS = 14 * 86_400_000;

export interface DoorParts {
  readonly config: ControllerConfig;
  readonly kube: KubeApi;
  readonly store: ThreadStore;
  readonly ledger: LedgerStore;
  readonly budgets: KnownBudgets;
  readonly approvals: ApprovalStore;
  readonly access: Access;
  readonly objects: ClusterObjects;
  readonly boundaryCa: PemPair;
  readonly settings: PodSettings;
  readonly metrics: ControllerMetrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** Opens the webhook to the API server. @throws KubeError if its certificate cannot be made known */
export async function openWebhook(parts: DoorParts, lifecycle: Lifecycle): Promise<WebhookServer> {
  const { config, kube, clock, log } = parts;
  const certificates = new WebhookCertificates({ kube, namespace: config.namespace, config: config.webhook, clock, log });
  const webhook = await WebhookServer.start(config.webhook, await certificates.refresh(lifecycle.signal), webhookDeps(parts));
  lifecycle.onStop("webhook", async () => webhook.close());
  lifecycle.run("webhook-certificates", async (signal) => certificates.keepFresh((certificate) => { webhook.present(certificate); }, signal));
  return webhook;
}

function webhookDeps({ objects, settings, metrics, clock, log }: DoorParts): WebhookDeps {
  return {
    metrics, clock, log, govern: governPod, settings: () => settings,
    findAgent: async (namespace, name) => {
      const object = await objects.agent({ namespace, name });
      const reading = object === null ? null : readAgent(object);
      return reading?.isReadable === true ? reading.resource : null;
    },
  };
}

/** Opens the API of threads to people, and to instances through their node proxies. @throws Error if the port cannot be had */
export async function openThreadsApi(parts: DoorParts, lifecycle: Lifecycle): Promise<OpenApi> {
  const { config, store, ledger, budgets, approvals, access, objects, kube, clock, log, metrics } = parts;
  const issue = () => issueApiCertificate(parts.boundaryCa, namesOf(config), { nowMs: clock.nowMs(), lifetimeMs: API_CERTIFICATE_MS });
  const api = await openApi(config.api, { store, ledger, ledgerOfNode: (node) => ledgerOfNode(ledger, node, budgets), budgets, approvals, access, objects, kube, clock, log, metrics, tls: issue() });
  lifecycle.onStop("api", async () => api.close());
  lifecycle.run("api-certificate", async (signal) => {
    for (;;) {
      await sleep(API_CERTIFICATE_MS / 2, undefined, { signal });
      api.useCertificate(issue());
    }
  });
  return api;
}

/** Under which its service is known in the cluster. */
function namesOf({ namespace, services: { controller } }: ControllerConfig): string[] {
  const service = `${controller}.${namespace}`;
  return [service, `${service}.svc`, `${service}.svc.cluster.local`];
}

/** ConfigMap with the public certificate of the installation's CA, for whoever calls the API from outside of a governed pod (cli/cluster). */
export const CA_CONFIG_MAP = "weir-ca";

/** @throws KubeError if the API server refuses or does not answer */
export async function publishCa(kube: KubeApi, namespace: string, certPem: string, signal: AbortSignal): Promise<void> {
  const ref = { namespace, name: CA_CONFIG_MAP };
  const before = await kube.get(TYPES.configMaps, ref, signal);
  const data = { "ca.crt": certPem };
  if ((before?.["data"] as Partial<typeof data> | undefined)?.["ca.crt"] === certPem) return;
  if (before === null) await kube.create(TYPES.configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata: ref, data }, signal);
  else await kube.replace(TYPES.configMaps, { ...before, data }, {}, signal);
}
