import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readEnvironment } from "../../../common/config.ts";
import { silentLog, type Log } from "../../../common/log.ts";
import { controllerConfig, startController, type ControllerConfig, type RunningController } from "../../../controller/main.ts";
import { objectOf, RELEASE, renderChart, type ChartObject } from "./chart.ts";
import type { ControlPlane } from "./control-plane.ts";
import { freePort } from "../free-port.ts";

/** What the chart writes, without the programs that a real node would run. */
const KINDS = /^(ValidatingAdmissionPolicy|ValidatingAdmissionPolicyBinding|CustomResourceDefinition|ServiceAccount|Service|(Cluster)?Role(Binding)?|MutatingWebhookConfiguration)$/;
const USER = `system:serviceaccount:${RELEASE.namespace}:weir-controller`;

/** The chart's objects in a real API server, and the controller beside it, with the rights that the chart gives it. */
export class ControllerStand {
  /** As the chart configures it, at ports of its own. */
  readonly settings: Readonly<Record<string, unknown>>;

  private constructor(settings: Readonly<Record<string, unknown>>) {
    this.settings = settings;
  }

  /** @param agentNamespaces made, and named to the chart */
  static async open(plane: ControlPlane, agentNamespaces: readonly string[]): Promise<ControllerStand> {
    for (const name of [RELEASE.namespace, ...agentNamespaces]) await plane.createNamespace(name);
    const webhookPort = await freePort();
    const objects = await renderChart({ agentNamespaces: agentNamespaces.map((name) => ({ name })) });
    const items = objects.filter(({ kind }) => KINDS.test(kind)).map((object) => reachable(object, webhookPort));
    await plane.kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
    await plane.kubectl(["wait", "--for=condition=Established", "--timeout=30s", "crd/agents.weir.dev", "crd/threads.weir.dev"]);
    const { url, caPem, certPem, keyPem } = await plane.identity(USER, ["system:serviceaccounts", `system:serviceaccounts:${RELEASE.namespace}`, "system:authenticated"]);
    const kubeconfigFile = join(plane.folder, "controller.kubeconfig");
    await writeFile(kubeconfigFile, JSON.stringify(kubeconfig(url, { caPem, certPem, keyPem })), { mode: 0o600 });
    return new ControllerStand({
      namespace: RELEASE.namespace, kube: { kubeconfigFile }, pods: { initImage: imageIn(objects, "init"), sidecarImage: imageIn(objects, "sidecar") },
      access: { nodeProxies: [`system:serviceaccount:${RELEASE.namespace}:weir-proxy`] },
      api: { host: "127.0.0.1", port: 0 }, webhook: { listenHost: "localhost", listenPort: webhookPort }, admin: { address: "127.0.0.1:0" }, logLevel: "info",
    });
  }

  /** @param changes sections in place of the stand's own */
  config(changes: Readonly<Record<string, unknown>> = {}): ControllerConfig {
    return controllerConfig.parse({ ...this.settings, ...changes });
  }

  /** The controller in this process. */
  async start(identity: string, changes: Readonly<Record<string, unknown>> = {}, log: Log = silentLog): Promise<RunningController> {
    return startController(this.config(changes), { log, environment: readEnvironment(), identity });
  }
}

/** The API server dials the service's external name, and still asks for a certificate of the service (k8s.io/apiserver/pkg/util/proxy). */
function reachable(object: ChartObject, port: number): ChartObject {
  if (object.kind === "Service" && object.metadata.name === "weir-webhook") return { ...object, spec: { type: "ExternalName", externalName: "localhost", ports: [{ port }] } };
  if (object.kind !== "MutatingWebhookConfiguration") return object;
  const copy = structuredClone(object) as ChartObject & { webhooks: { clientConfig: { service: { port: number } } }[] };
  for (const { clientConfig } of copy.webhooks) clientConfig.service.port = port;
  return copy;
}

/** Those that the chart's policies ask for. */
function imageIn(objects: readonly ChartObject[], name: string): string {
  const policy = JSON.stringify(objectOf(objects, "ValidatingAdmissionPolicy", "weir-governed-pods"));
  return policy.match(new RegExp(`image == '([^']*weir-${name}[^']*)'`))?.[1] ?? "";
}

function kubeconfig(server: string, { caPem, certPem, keyPem }: { readonly caPem: string; readonly certPem: string; readonly keyPem: string }): object {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return {
    apiVersion: "v1", kind: "Config", "current-context": "x",
    clusters: [{ name: "x", cluster: { server, "certificate-authority-data": base64(caPem) } }],
    users: [{ name: "x", user: { "client-certificate-data": base64(certPem), "client-key-data": base64(keyPem) } }],
    contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
  };
}
