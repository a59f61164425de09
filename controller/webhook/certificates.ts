import { setTimeout as wait } from "node:timers/promises";
import * as z from "zod";
import type { Clock } from "../../common/clock.ts";
import type { KubeApi, ObjectRef } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { PemPair } from "../../common/tls/ca.ts";
import { readCertificates, writeCertificates } from "./certificate-secret.ts";
import { advance, trustedBundle, type CertificateState, type CertificateTerms } from "./certificate-state.ts";
import type { WebhookConfig } from "./config.ts";

const FIELD_MANAGER = "weir-controller-webhook";
/** Of compare-and-swap in a row; as many replicas at once are far more than there are. */
const TRIES_LIMIT = 10;

export interface CertificateDeps {
  readonly kube: KubeApi;
  /** Of the installation. */
  readonly namespace: string;
  readonly config: WebhookConfig;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The webhook's certificate, made by the controller itself: every replica does the same, and whichever is faster makes the step that is due. What the API
 * server trusts is told to it before a certificate is shown that needs it.
 */
export class WebhookCertificates {
  readonly #deps: CertificateDeps;
  readonly #secret: ObjectRef;
  readonly #terms: CertificateTerms;

  constructor(deps: CertificateDeps) {
    const { namespace, config } = deps;
    this.#deps = deps;
    this.#secret = { namespace, name: config.certificateSecret };
    const service = `${config.serviceName}.${namespace}.svc`;
    const { certificateLifetimeMs: leafLifetimeMs, caLifetimeMs, handoverMs } = config;
    this.#terms = { names: [service, `${service}.cluster.local`], leafLifetimeMs, caLifetimeMs, handoverMs };
  }

  /**
   * The certificate to show now: the stored one, after every renewal that is due. The API server knows its CA when this resolves.
   * @throws KubeError if the API server refuses or does not answer
   */
  async refresh(signal: AbortSignal): Promise<PemPair> {
    for (let tries = 0; tries < TRIES_LIMIT; tries += 1) {
      const published = await this.#published(signal);
      const before = await readCertificates(this.#deps.kube, this.#secret, signal);
      const state = advance(before?.state ?? null, this.#terms, published, this.#deps.clock.nowMs());
      if (state === before?.state) {
        await this.#publish(state, published, signal);
        return state.leaf;
      }
      // The next round reads back what is there now, whoever wrote it, and makes the next step if there is one.
      await writeCertificates(this.#deps.kube, this.#secret, { before, state }, signal);
      this.#deps.log.info("webhook.certificate-step", { hasNextCa: state.nextCa !== null, hasOldCa: state.oldCa !== null });
    }
    throw new Error(`the Secret ${this.#secret.name} changes all the time`);
  }

  /** Refreshes until the signal; trouble is logged, and the certificate of before stays. */
  async keepFresh(onCertificate: (certificate: PemPair) => void, signal: AbortSignal): Promise<void> {
    let shown = "";
    while (!signal.aborted) {
      try {
        const certificate = await this.refresh(signal);
        if (certificate.certPem !== shown) onCertificate(certificate);
        shown = certificate.certPem;
      } catch (error) {
        if (!signal.aborted) this.#deps.log.error("webhook.certificate-failed", { error: describeError(error) });
      }
      await wait(this.#deps.config.refreshIntervalMs, undefined, { signal }).catch(() => {});
    }
  }

  /** What the API server trusts for the webhook now, PEM; empty if it has been told nothing yet. */
  async #published(signal: AbortSignal): Promise<string> {
    const { kube, config } = this.#deps;
    const found = await kube.get(TYPES.mutatingWebhooks, { name: config.configurationName }, signal);
    if (found === null) throw new Error(`there is no MutatingWebhookConfiguration ${config.configurationName}`);
    const { webhooks } = configuration.parse(found);
    return Buffer.from(webhooks.find(({ name }) => name === config.webhookName)?.clientConfig.caBundle ?? "", "base64").toString("utf8");
  }

  /** Only this field of the configuration is ours; the rest belongs to whoever installed it. */
  async #publish(state: CertificateState, published: string, signal: AbortSignal): Promise<void> {
    const bundle = trustedBundle(state);
    if (bundle === published) return;
    const { kube, config } = this.#deps;
    const webhooks = [{ name: config.webhookName, clientConfig: { caBundle: Buffer.from(bundle).toString("base64") } }];
    const metadata = { name: config.configurationName };
    const change = { apiVersion: "admissionregistration.k8s.io/v1", kind: "MutatingWebhookConfiguration", metadata, webhooks };
    await kube.apply(TYPES.mutatingWebhooks, change, { fieldManager: FIELD_MANAGER, force: true }, signal);
    this.#deps.log.info("webhook.ca-published", { configuration: config.configurationName });
  }
}

const webhook = z.looseObject({ name: z.string(), clientConfig: z.looseObject({ caBundle: z.string().optional() }) });
const configuration = z.looseObject({ webhooks: z.array(webhook).default([]) });
