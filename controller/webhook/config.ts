import * as z from "zod";

const DAY_MS = 86_400_000;
const name = z.string().min(1).max(253);
const lifetime = (defaultDays: number) => z.int().min(60_000).max(3_650 * DAY_MS).default(defaultDays * DAY_MS);

export const webhookConfig = z.strictObject({
  listenHost: z.string().min(1).default("::").describe("Address that the webhook listens on."),
  listenPort: z.int().min(0).max(65_535).default(9_443).describe("Port that the webhook listens on; 0 chooses one."),
  requestTimeoutMs: z.int().min(100).max(30_000).default(4_000).describe("Longest time for one review, in milliseconds; below the `timeoutSeconds` of its configuration."),
  configurationName: name.default("weir-injection").describe("MutatingWebhookConfiguration that is told the CA of the webhook's certificate."),
  webhookName: name.default("pods.weir.dev").describe("Name of the webhook in it."),
  serviceName: name.default("weir-webhook").describe("Service, in the installation's namespace, by which the API server reaches the webhook."),
  certificateSecret: name.default("weir-webhook").describe("Secret, in the installation's namespace, with the webhook's own CA and certificate."),
  boundaryCaSecret: name.default("weir-ca").describe("Secret, in the installation's namespace, with the CA that agents trust."),
  certificateLifetimeMs: lifetime(90).describe("Lifetime of the webhook's certificate, in milliseconds; renewed when a third is left."),
  caLifetimeMs: lifetime(1_825).describe("Lifetime of the webhook's CA, in milliseconds; its successor is made when a fifth is left."),
  handoverMs: z.int().min(1_000).max(30 * DAY_MS).default(3_600_000).describe("How long a new CA is known to the API server before it signs, in milliseconds."),
  refreshIntervalMs: z.int().min(100).max(3_600_000).default(60_000).describe("How often certificates are looked at, in milliseconds."),
});
export type WebhookConfig = z.output<typeof webhookConfig>;
