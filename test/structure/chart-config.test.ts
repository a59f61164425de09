import { beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../common/config.ts";
import { controllerConfig } from "../../controller/config.ts";
import { REDIRECT_SETTINGS } from "../../init/node/config.ts";
import { readSettings } from "../../init/settings.ts";
import { proxyConfig } from "../../proxy/config.ts";
import { generatedChartFiles } from "../../scripts/chart/generated-files.ts";
import { renderControllerConfiguration } from "../../scripts/docs/configuration.ts";
import { findHelm, helm, helmRelease, CHART, objectOf, RELEASE, renderChart, type ChartObject, type Values } from "../support/kube/chart.ts";
import { filesUnder, read } from "./repository.ts";

const hasHelm = await findHelm() !== null;
if (!hasHelm) process.stderr.write("chart tests: no `helm` in the tool cache (npm run verify:cluster builds it); what renders the chart is skipped\n");

const DIGEST = `sha256:${"a".repeat(64)}`;

/** Sets of values as somebody would write them. */
const CASES: Readonly<Record<string, Values>> = {
  "the defaults": {},
  "agents and a quota": { agentNamespaces: [{ name: "agents", create: true }, { name: "team-a", podSecurity: "baseline" }], listenOn: "::", proxy: { priorityQuota: true, clusterIP: "10.96.0.77" } },
  "PostgreSQL and two replicas": { controller: { store: { kind: "postgres", urlSecret: { name: "weir-store" } } } },
  "Vault and limits": {
    vault: { address: "https://vault.vault.svc:8200", namespace: "agents", tokenSecret: { name: "weir-vault" }, caConfigMap: { name: "vault-ca" } },
    budgets: { perAgent: { requests: 5_000_000, bytes: 0, window: "day" } },
  },
  "Vault by AppRole": { vault: { address: "https://vault.vault.svc:8200", auth: { method: "approle", roleId: "5d1f", mount: "team/approle" }, tokenSecret: { name: "weir-vault" } } },
  "Vault by the proxies' service account": { vault: { address: "https://vault.vault.svc:8200", auth: { method: "kubernetes", role: "weir" } } },
  "Vault by the agents' tokens": { vault: { address: "https://vault.vault.svc:8200", auth: { method: "jwt", role: "agent", own: { method: "kubernetes", role: "weir" } } } },
  "own settings of the proxy": { proxy: { config: { audit: { retainDays: 90, sinks: [{ type: "https", name: "siem", url: "https://siem.example/in" }] }, upstream: { clusterCidrs: ["10.0.0.0/8"] } } } },
  "everything that is watched": { monitoring: { podMonitor: true, serviceMonitor: true, rules: true, dashboards: true, labels: { release: "prometheus" } } },
  "images by digest": { images: { registry: "registry.example/weir", init: { digest: DIGEST }, sidecar: { digest: DIGEST }, proxy: { digest: DIGEST }, controller: { digest: DIGEST } } },
  "rules by the node": { redirect: { mode: "node", namespacesHostPath: "/var/run/docker/netns" }, agentNamespaces: [{ name: "agents", create: true }], listenOn: "::" },
  "every namespace, without CRDs and network policies": { rbac: { everyNamespace: true }, crds: { install: false }, networkPolicies: { enabled: false } },
};

const rendered = new Map<string, readonly ChartObject[]>();
async function objects(name: string): Promise<readonly ChartObject[]> {
  const found = rendered.get(name) ?? await renderChart(CASES[name]);
  rendered.set(name, found);
  return found;
}

/** The text of a key of a rendered ConfigMap. */
function textOf(all: readonly ChartObject[], name: string, key: string): string {
  return (objectOf(all, "ConfigMap", name)["data"] as Record<string, string>)[key] ?? "";
}

interface Container { readonly name: string; readonly image: string; readonly securityContext: Record<string, unknown> }
interface PodTemplate { readonly containers: readonly Container[]; readonly initContainers?: readonly Container[]; readonly automountServiceAccountToken?: boolean }

function podTemplates(all: readonly ChartObject[]): PodTemplate[] {
  return all.flatMap((object) => {
    if (object.kind === "Pod") return [object["spec"] as PodTemplate];
    const spec = object["spec"] as { template?: { spec: PodTemplate } } | undefined;
    return spec?.template === undefined ? [] : [spec.template.spec];
  });
}

test("docs/controller-configuration.md says what the schemas say; `npm run docs:generate` writes it", () => {
  const text = read("docs/controller-configuration.md");
  expect(text).toBe(renderControllerConfiguration());
  expect([...text.matchAll(/^\| `([^`]+)` \|.*\|\s+\|$/gm)].map(([, setting]) => setting)).toEqual([]);
});

describe("the chart's written files", () => {
  test.each([...generatedChartFiles()])("%s is what `npm run docs:generate` writes", (path, text) => {
    expect(read(`charts/weir/${path}`)).toBe(text);
  });

  test("say of each value what it is for, sections aside", () => {
    const silent = read("charts/weir/README.md").split("\n").filter((line) => /^\| `.*\|\s*\|$/.test(line) && !/resources\.(requests|limits)/.test(line));
    expect(silent).toEqual([]);
  });

  test("hold no line that ends in a blank, which would show in every rendered object", () => {
    const blank = filesUnder("charts/weir/templates", "").flatMap((path) => read(path).split("\n").flatMap((line, index) => (/[ \t]$/.test(line) ? [`${path}:${index + 1}`] : [])));
    expect(blank).toEqual([]);
  });
});

describe("the chart", () => {
  beforeEach(({ skip }) => { if (!hasHelm) skip("no helm here"); });

  test("passes helm's own check", async () => {
    expect(await helm(["lint", "--strict", CHART])).toContain("0 chart(s) failed");
  });

  test.each(Object.keys(CASES))("gives the proxy a configuration that it takes: %s", async (name) => {
    const config = parseConfig(proxyConfig, name, textOf(await objects(name), "weir-proxy", "proxy.yaml"));
    expect(config.stateDirectory).toBe("/var/lib/weir");
    expect(config.listen.address).toMatch(/:15008$/);
  });

  test.each(Object.keys(CASES))("gives the controller a configuration that it takes: %s", async (name) => {
    const config = parseConfig(controllerConfig, name, textOf(await objects(name), "weir-controller", "controller.yaml"));
    expect(config.namespace).toBe(RELEASE.namespace);
    expect(config.access.nodeProxies).toEqual([`system:serviceaccount:${RELEASE.namespace}:weir-proxy`]);
    expect([config.threads.directory, config.threads.urlFile].filter((place) => place !== undefined)).toHaveLength(1);
  });

  test("gives governed pods the images of this release, as the admission policies ask for", async () => {
    const { pods } = parseConfig(controllerConfig, "digests", textOf(await objects("images by digest"), "weir-controller", "controller.yaml"));
    expect(pods).toMatchObject({ initImage: `registry.example/weir/weir-init@${DIGEST}`, sidecarImage: `registry.example/weir/weir-sidecar@${DIGEST}` });
  });

  test("names Services, ports and the webhook as the controller's defaults expect them", async () => {
    const all = await objects("the defaults");
    const { api, services, webhook } = parseConfig(controllerConfig, "defaults", textOf(all, "weir-controller", "controller.yaml"));
    const portsOf = (service: string) => (objectOf(all, "Service", service)["spec"] as { ports: { targetPort: string }[] }).ports.map(({ targetPort }) => targetPort);
    expect([portsOf(services.controller), portsOf(webhook.serviceName), portsOf(services.proxy)]).toEqual([["api"], ["webhook"], ["boundary"]]);
    const [container] = podTemplates(all).flatMap((pod) => pod.containers).filter(({ name }) => name === "controller");
    expect(container).toMatchObject({ ports: [{ name: "api", containerPort: api.port }, { name: "webhook", containerPort: webhook.listenPort }, { name: "admin", containerPort: 15_090 }] });
    expect(objectOf(all, "MutatingWebhookConfiguration", webhook.configurationName)).toMatchObject({ webhooks: [{ name: webhook.webhookName, clientConfig: { service: { name: webhook.serviceName } } }] });
  });

  test("hands settings through whole: large numbers, lists, and what Vault needs", async () => {
    const limits = parseConfig(proxyConfig, "limits", textOf(await objects("Vault and limits"), "weir-proxy", "proxy.yaml"));
    expect(limits.budgets.perAgent).toEqual({ requests: 5_000_000, bytes: 0, window: "day" });
    expect(limits.credentials.vault).toMatchObject({ address: "https://vault.vault.svc:8200", namespace: "agents", auth: { method: "token", tokenFile: "/etc/weir-vault/token/token" }, caFile: "/etc/weir-vault/ca/ca.crt" });
    const own = parseConfig(proxyConfig, "own", textOf(await objects("own settings of the proxy"), "weir-proxy", "proxy.yaml"));
    expect(own).toMatchObject({ audit: { retainDays: 90, sinks: [{ name: "siem" }] }, upstream: { clusterCidrs: ["10.0.0.0/8"] }, stateDirectory: "/var/lib/weir" });
  });

  const byServiceAccount = { method: "kubernetes", mount: "kubernetes", role: "weir", jwtFile: "/var/run/secrets/weir.dev/vault/token" };
  test.each([
    ["Vault by AppRole", { method: "approle", mount: "team/approle", roleId: "5d1f", secretIdFile: "/etc/weir-vault/token/token" }, ["vault-token"]],
    ["Vault by the proxies' service account", byServiceAccount, ["vault-identity"]],
    ["Vault by the agents' tokens", { method: "jwt", mount: "jwt", role: "agent", own: byServiceAccount }, ["vault-identity"]],
    ["the defaults", undefined, []],
  ])("lets proxies log in and mounts what that takes, and nothing else: %s", async (name, auth, mounted) => {
    const all = await objects(name);
    expect(parseConfig(proxyConfig, name, textOf(all, "weir-proxy", "proxy.yaml")).credentials.vault?.auth).toEqual(auth);
    const { template } = objectOf(all, "DaemonSet", "weir-proxy")["spec"] as { template: { spec: { volumes: { name: string }[]; containers: { volumeMounts: { name: string }[] }[] } } };
    const names = (list: readonly { name: string }[]) => list.map((item) => item.name).filter((item) => item.startsWith("vault"));
    expect([names(template.spec.volumes), names(template.spec.containers[0]?.volumeMounts ?? [])]).toEqual([mounted, mounted]);
  });

  test.each(Object.keys(CASES))("names every image by version or digest, never by `latest`: %s", async (name) => {
    const images = podTemplates(await objects(name)).flatMap((pod) => [...pod.containers, ...pod.initContainers ?? []]).map(({ image }) => image);
    expect(images.length).toBeGreaterThanOrEqual(3);
    expect(images.filter((image) => !/(:\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})$/.test(image))).toEqual([]);
  });

  test.each(Object.keys(CASES))("runs every container read-only, without rights to gain, and without a token that it does not ask for: %s", async (name) => {
    for (const pod of podTemplates(await objects(name))) {
      expect(pod.automountServiceAccountToken).toBe(false);
      for (const container of [...pod.containers, ...pod.initContainers ?? []]) {
        expect(container.securityContext, container.name).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } });
      }
    }
  });

  test("lets the node write the rules by a program of its own, which has two rights and sees one folder, and by no other", async () => {
    const all = await objects("rules by the node");
    const { spec } = (objectOf(all, "DaemonSet", "weir-redirect")["spec"] as { template: { spec: PodTemplate & { volumes: { hostPath?: object }[] } & Record<string, unknown> } }).template;
    expect(spec.containers.map(({ securityContext }) => securityContext["capabilities"])).toEqual([{ drop: ["ALL"], add: ["NET_ADMIN", "SYS_ADMIN"] }]);
    expect(spec.volumes.flatMap(({ hostPath }) => hostPath ?? [])).toEqual([{ path: "/var/run/docker/netns", type: "DirectoryOrCreate" }]);
    for (const field of ["hostNetwork", "hostPID", "hostIPC"]) expect(spec[field]).toBeUndefined();
    const settings = Object.fromEntries((spec.containers[0] as unknown as { env: { name: string; value?: string }[] }).env.map(({ name, value }) => [name, value ?? "10.0.0.1"]));
    expect(readSettings([], settings, REDIRECT_SETTINGS)).toMatchObject({ namespacesDirectory: "/run/netns", hostAddresses: ["10.0.0.1"], admin: { address: "[::]:15090", fromNetwork: true } });
    const adding = (object: ChartObject) => podTemplates([object]).flatMap(({ containers }) => containers).filter(({ securityContext }) => "add" in (securityContext["capabilities"] as object));
    expect(all.filter((object) => adding(object).length > 0).map(({ metadata }) => metadata.name)).toEqual(["weir-redirect"]);
    expect((await objects("the defaults")).filter(({ metadata }) => metadata.name === "weir-redirect")).toEqual([]);
  });

  test("lets namespaces be restricted where no pod of theirs writes rules", async () => {
    const level = async (name: string) => objectOf(await objects(name), "Namespace", "agents").metadata.labels?.["pod-security.kubernetes.io/enforce"];
    expect([await level("rules by the node"), await level("agents and a quota")]).toEqual(["restricted", "privileged"]);
    const policies = (await objects("rules by the node")).filter(({ kind }) => kind === "ValidatingAdmissionPolicy");
    expect(policies.filter((policy) => JSON.stringify(policy["spec"]).includes("NET_ADMIN at most"))).toEqual([]);
  });

  test("keeps its CRDs and volumes when it is removed", async () => {
    const kept = (await objects("the defaults")).filter(({ kind }) => kind === "CustomResourceDefinition" || kind === "PersistentVolumeClaim");
    expect(kept).toHaveLength(6);
    for (const { metadata } of kept) expect(metadata.annotations, metadata.name).toMatchObject({ "helm.sh/resource-policy": "keep" });
  });

  test("runs two controllers on PostgreSQL and one on the embedded store", async () => {
    expect(objectOf(await objects("the defaults"), "Deployment", "weir-controller")).toMatchObject({ spec: { replicas: 1, strategy: { type: "Recreate" } } });
    expect(objectOf(await objects("PostgreSQL and two replicas"), "Deployment", "weir-controller")).toMatchObject({ spec: { replicas: 2, strategy: { type: "RollingUpdate" } } });
  });
});

describe("the chart refuses", () => {
  beforeEach(({ skip }) => { if (!hasHelm) skip("no helm here"); });

  test.each([
    ["two controllers on the embedded store", { controller: { replicas: 2 } }, "controller.replicas: the embedded store belongs to one controller"],
    ["PostgreSQL without its URL", { controller: { store: { kind: "postgres" } } }, "controller.store.urlSecret.name: with store `postgres`, name the Secret"],
    ["Vault without a token", { vault: { address: "https://vault:8200" } }, "vault.tokenSecret.name: name the Secret that holds what the proxies log in to Vault with"],
    ["Vault by a role without a name", { vault: { address: "https://vault:8200", auth: { method: "kubernetes" } } }, "vault.auth.role: name the role"],
    ["a login to Vault that is none", { vault: { address: "https://vault:8200", auth: { method: "userpass" } } }, "/vault/auth/method"],
    ["an image that moves", { images: { proxy: { tag: "latest" } } }, "would be another image tomorrow"],
    ["a level of Pod Security that its own container breaks", { agentNamespaces: [{ name: "a", create: true, podSecurity: "restricted" }] }, "the level `restricted` refuses the init container that `redirect.mode: init` needs"],
    ["a value that there is none of", { proxi: {} }, "additional properties 'proxi' not allowed"],
    ["a wrong setting of the proxy", { proxy: { config: { audit: { retainDays: "x" } } } }, "at '/proxy/config/audit/retainDays': got string, want integer"],
  ])("%s, and says why", async (_, values, message) => {
    await expect(helmRelease("template", [], { values })).rejects.toThrow(message);
  });
});
