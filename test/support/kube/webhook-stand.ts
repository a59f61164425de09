import { systemClock } from "../../../common/clock.ts";
import { openKubeApi } from "../../../common/kube/http-kube-api.ts";
import { fixedAccess } from "../../../common/kube/kube-access.ts";
import type { KubeApi } from "../../../common/kube/kube-api.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { silentLog } from "../../../common/log.ts";
import { Secret } from "../../../common/secret.ts";
import { governPod } from "../../../controller/pods/govern-pod.ts";
import type { PodSettings } from "../../../controller/pods/pod-settings.ts";
import { readAgent } from "../../../controller/resources/read.ts";
import { WebhookCertificates } from "../../../controller/webhook/certificates.ts";
import { webhookConfig, type WebhookConfig } from "../../../controller/webhook/config.ts";
import { WebhookServer } from "../../../controller/webhook/server.ts";
import { objectOf, RELEASE, renderChart, type ChartObject } from "./chart.ts";
import type { ControlPlane } from "./control-plane.ts";
import { freePort } from "../free-port.ts";

export const CONTROLLER_USER = `system:serviceaccount:${RELEASE.namespace}:weir-controller`;

/** Webhook and admission policies of the chart in a real API server, which calls a webhook of this process. */
export class WebhookStand {
  /** A test may change them between two pods. */
  settings: PodSettings;
  readonly #plane: ControlPlane;
  readonly #port: number;
  #server: WebhookServer | undefined;

  private constructor(plane: ControlPlane, port: number, settings: PodSettings) {
    this.#plane = plane;
    this.#port = port;
    this.settings = settings;
  }

  /**
   * Everything but the webhook itself.
   * @param agentNamespaces made, and named to the chart
   * @param isHooked false leaves out the webhook's configuration: then the policies stand alone
   * @param redirect who writes the rules, as the chart and the webhook are told
   */
  static async open(plane: ControlPlane, agentNamespaces: readonly string[], isHooked = true, redirect: PodSettings["redirect"] = "init"): Promise<WebhookStand> {
    for (const name of [RELEASE.namespace, ...agentNamespaces]) await plane.createNamespace(name);
    const port = await freePort();
    const objects = await renderChart({ agentNamespaces: agentNamespaces.map((name) => ({ name })), redirect: { mode: redirect } });
    const wanted = objects.filter(({ kind }) => /^(ValidatingAdmissionPolicy|ValidatingAdmissionPolicyBinding|CustomResourceDefinition|ServiceAccount|(Cluster)?Role(Binding)?)$/.test(kind));
    // The API server dials the service's external name, and still asks for a certificate of the service (k8s.io/apiserver/pkg/util/proxy).
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "weir-webhook", namespace: RELEASE.namespace }, spec: { type: "ExternalName", externalName: "localhost", ports: [{ port }] } };
    const configuration = isHooked ? [withPort(objectOf(objects, "MutatingWebhookConfiguration", "weir-injection"), port)] : [];
    await plane.kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: [...wanted, service, ...configuration] }));
    await plane.kubectl(["wait", "--for=condition=Established", "--timeout=30s", "crd/agents.weir.dev"]);
    return new WebhookStand(plane, port, { ...settingsOf(objects), redirect });
  }

  /** As the controller: with its rights and no others. */
  async controllerApi(): Promise<KubeApi> {
    const { url, caPem, certPem, keyPem } = await this.#plane.identity(CONTROLLER_USER, ["system:serviceaccounts", `system:serviceaccounts:${RELEASE.namespace}`, "system:authenticated"]);
    return openKubeApi(fixedAccess(url, { caPem, certPem, keyPem: new Secret(keyPem) }));
  }

  async certificates(changes: Partial<WebhookConfig> = {}, clock = systemClock): Promise<WebhookCertificates> {
    return new WebhookCertificates({ kube: await this.controllerApi(), namespace: RELEASE.namespace, config: webhookConfig.parse(changes), clock, log: silentLog });
  }

  async start(): Promise<WebhookServer> {
    const kube = await this.controllerApi();
    const certificate = await (await this.certificates()).refresh(AbortSignal.timeout(10_000));
    this.#server = await WebhookServer.start({ listenHost: "localhost", listenPort: this.#port, requestTimeoutMs: 4_000 }, certificate, {
      govern: governPod, settings: () => this.settings, clock: systemClock, log: silentLog, metrics: { reviewed() {} },
      findAgent: async (namespace, name, signal) => {
        const found = await kube.get(TYPES.agents, { namespace, name }, signal);
        const reading = found === null ? null : readAgent(found);
        return reading?.isReadable === true ? reading.resource : null;
      },
    });
    return this.#server;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }
}

function withPort(configuration: ChartObject, port: number): ChartObject {
  const copy = structuredClone(configuration) as ChartObject & { webhooks: { clientConfig: { service: { port: number } } }[] };
  for (const { clientConfig } of copy.webhooks) clientConfig.service.port = port;
  return copy;
}

/** The images are those that the chart's policies ask for. */
function settingsOf(objects: readonly ChartObject[]): PodSettings {
  const policy = JSON.stringify(objectOf(objects, "ValidatingAdmissionPolicy", "weir-governed-pods"));
  const image = (name: string) => policy.match(new RegExp(`image == '([^']*weir-${name}[^']*)'`))?.[1] ?? "";
  return {
    images: { init: image("init"), sidecar: image("sidecar"), pullPolicy: "IfNotPresent" }, proxy: { addresses: ["10.79.96.7"], port: 15_008 },
    caPem: "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", redirect: "init", tokenLifetimeSeconds: 3_600, controllerUser: CONTROLLER_USER,
  };
}
