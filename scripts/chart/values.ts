import * as z from "zod";
import { WINDOWS } from "../../common/ledger/account.ts";
import { boundaryConfig } from "../../controller/boundary/config.ts";
import { controllerConfig } from "../../controller/config.ts";
import { proxyConfig } from "../../proxy/config.ts";
import { policyData } from "../../proxy/policy/data.ts";

/** What the chart can be told: values.yaml, values.schema.json and the chart's README are written from here. */

const label = z.string().max(63).regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, "must be a DNS label");
const quantity = z.union([z.string(), z.number()]);
const json = z.record(z.string(), z.json());

const image = z.strictObject({
  repository: z.string().max(500).default("").describe("Repository in place of `images.registry` and the image's own name."),
  tag: z.string().max(128).regex(/^[A-Za-z0-9_.-]*$/).default("").describe("Tag; the chart's version if empty. `latest` is refused: it would be another image tomorrow."),
  digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/, "must be sha256:… or empty").default("").describe("Digest; wins over the tag."),
});

const resources = (requests: Record<string, string>, limits: Record<string, string>) => z.strictObject({
  requests: z.record(z.string(), quantity).default(requests),
  limits: z.record(z.string(), quantity).default(limits),
}).prefault({}).describe("CPU and memory of its container.");

const placement = {
  nodeSelector: z.record(z.string(), z.string()).default({}).describe("Labels of the nodes where it runs."),
  affinity: json.default({}).describe("Affinity of its pods."),
  podLabels: z.record(z.string(), z.string()).default({}).describe("More labels of its pods."),
  podAnnotations: z.record(z.string(), z.string()).default({}).describe("More annotations of its pods."),
  extraVolumes: z.array(json).default([]).describe("More volumes of its pods, e.g. with files that its configuration names."),
  extraVolumeMounts: z.array(json).default([]).describe("Where its container sees them."),
};

const tolerations = (everywhere: boolean) => z.array(json).default(everywhere ? [{ operator: "Exists" }] : []).describe("Taints that its pods tolerate.");

const proxy = z.strictObject({
  config: proxyConfig.optional().describe("The proxy's configuration (docs/configuration.md); wins over what the chart sets by itself."),
  secrets: z.array(z.strictObject({
    namespace: label.describe("A namespace."),
    names: z.array(z.string().min(1).max(253).regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/)).min(1).max(256).describe("Names of Secrets in it."),
  })).default([]).describe("Secrets that the proxies may read, for CredentialGrants of their namespaces (`kubernetesSecret`). Every node proxy may then read them, by name and no other."),
  stateHostPath: z.string().regex(/^\/[^:]+$/).default("/var/lib/weir").describe("Folder of the node that holds the audit chain; it must outlive pods."),
  clusterIP: z.string().max(64).default("").describe("Fixed address of its service; the cluster chooses one if empty. Pods are told this address."),
  maxUnavailable: z.union([z.int().min(1), z.string().regex(/^\d+%$/)]).default(1).describe("Nodes whose proxy is replaced at a time; agents there have no egress meanwhile."),
  terminationGracePeriodSeconds: z.int().min(5).default(45).describe("Time for open requests after a stop signal, in seconds; more than the configuration's `drainTimeoutMs`."),
  priorityClassName: z.string().default("system-node-critical").describe("Without the proxy no agent of its node has egress."),
  priorityQuota: z.boolean().default(false).describe("Write a ResourceQuota that lets this namespace use the priority classes, where the cluster limits them."),
  tolerations: tolerations(true),
  resources: resources({ cpu: "100m", memory: "192Mi" }, { memory: "1Gi" }),
  ...placement,
}).prefault({});

const store = z.strictObject({
  kind: z.enum(["embedded", "postgres"]).default("embedded").describe("`embedded`: a database in the controller, on a volume, for one replica. `postgres`: a PostgreSQL of yours."),
  size: quantity.default("2Gi").describe("Size of the embedded database's volume."),
  storageClassName: z.string().default("").describe("Its storage class; the cluster's default if empty."),
  urlSecret: z.strictObject({
    name: z.string().default("").describe("Secret in this namespace with the URL of PostgreSQL; required with `postgres`."),
    key: z.string().min(1).default("url").describe("Key in that Secret."),
  }).prefault({}),
}).prefault({});

const controller = z.strictObject({
  config: controllerConfig.optional().describe("The controller's configuration (docs/controller-configuration.md); wins over what the chart sets by itself."),
  replicas: z.int().min(1).max(9).nullable().default(null).describe("Default 1 with the embedded store, 2 with PostgreSQL; one leads, all answer."),
  store,
  priorityClassName: z.string().default("system-cluster-critical").describe("Without the controller no governed pod can be created."),
  tolerations: tolerations(false),
  resources: resources({ cpu: "100m", memory: "256Mi" }, { memory: "1Gi" }),
  ...placement,
}).prefault({});

const vaultLogin = {
  mount: z.string().default("").describe("Where the auth method is mounted, below `auth/`; its usual place if empty."),
  role: z.string().default("").describe("With `kubernetes` and `jwt`: role of the auth method."),
  roleId: z.string().default("").describe("With `approle`: the role's id; its secret id is in `tokenSecret`."),
} as const;

const vault = z.strictObject({
  address: z.string().default("").describe("Address of Vault or OpenBao, `https://HOST:PORT`; none if empty."),
  namespace: z.string().default("").describe("Its namespace, if it has any."),
  mount: z.string().min(1).default("secret").describe("Where its KV version 2 engine is mounted that CredentialGrants read from."),
  pathTemplate: z.string().min(1).default("weir/{namespace}/").describe("Prefix of every path in a CredentialGrant; `{namespace}` is the grant's own."),
  auth: z.strictObject({
    method: z.enum(["token", "approle", "kubernetes", "jwt"]).default("token")
      .describe("How the proxies log in (docs/vault.md). With `kubernetes` by a token of their service account; with `jwt` each agent does, by its own."),
    ...vaultLogin,
    own: z.strictObject({
      method: z.enum(["", "token", "approle", "kubernetes"]).default("").describe("With `jwt`: how the proxies log in for what no agent asks for; not at all if empty."),
      ...vaultLogin,
    }).prefault({}),
    audience: z.string().min(1).default("vault").describe("With `kubernetes`: audience of the proxies' token."),
  }).prefault({}),
  tokenSecret: z.strictObject({
    name: z.string().default("").describe("Secret in this namespace with the token, or the secret id, that the proxies log in with; required for `token` and `approle`."),
    key: z.string().min(1).default("token").describe("Key in that Secret."),
  }).prefault({}),
  caConfigMap: z.strictObject({
    name: z.string().default("").describe("ConfigMap in this namespace with the only CAs trusted for it; the public ones if empty."),
    key: z.string().min(1).default("ca.crt").describe("Key in that ConfigMap."),
  }).prefault({}),
}).prefault({});

const monitoring = z.strictObject({
  podMonitor: z.boolean().default(false).describe("Write a PodMonitor for the proxies (needs the Prometheus operator's CRDs)."),
  serviceMonitor: z.boolean().default(false).describe("Write a ServiceMonitor for the controller."),
  rules: z.boolean().default(false).describe("Write a PrometheusRule with alerts."),
  dashboards: z.boolean().default(false).describe("Write the Grafana dashboards as ConfigMaps."),
  interval: z.string().regex(/^\d+(ms|s|m)$/).default("30s").describe("Time between two scrapes."),
  labels: z.record(z.string(), z.string()).default({}).describe("More labels of these objects, as the operator selects them."),
  dashboardLabels: z.record(z.string(), z.string()).default({ grafana_dashboard: "1" }).describe("Labels by which Grafana's sidecar finds dashboards."),
  runbooks: z.string().default("https://weir.dev/docs/runbooks").describe("Where docs/runbooks.md is published; alerts link to its headings."),
}).prefault({});

export const chartValues = z.strictObject({
  images: z.strictObject({
    registry: z.string().min(1).max(300).default("weir.local").describe("Registry and folder of all images; `weir.local` is what `scripts/build-images.ts` makes."),
    pullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).default("IfNotPresent").describe("When nodes fetch images, those of injected containers too."),
    pullSecrets: z.array(label).default([]).describe("Names of Secrets in this namespace to fetch images with."),
    init: image.prefault({}), sidecar: image.prefault({}), proxy: image.prefault({}), controller: image.prefault({}),
  }).prefault({}),
  agentNamespaces: z.array(z.strictObject({
    name: label.describe("The namespace."),
    create: z.boolean().default(false).describe("Make it, with the labels below; it stays when the release is removed."),
    podSecurity: z.enum(["privileged", "baseline", "restricted"]).optional()
      .describe("Pod Security level that is enforced there. With `redirect.mode: init` it is `privileged`, for one init container; an admission policy holds everything else down. With `node` it is `restricted` unless you say otherwise."),
  })).default([]).describe("Namespaces where agents run: the controller may create pods there, and pods with the boundary get a NetworkPolicy."),
  listenOn: z.enum(["0.0.0.0", "::"]).default("0.0.0.0").describe("Address that proxies and controllers listen on: `::` in clusters with IPv6, also beside IPv4."),
  redirect: z.strictObject({
    mode: z.enum(["init", "node"]).default("init").describe("Who writes the capture rules: `init`, a container with NET_ADMIN in each pod, or `node`, a DaemonSet, so that namespaces of agents can be `restricted`."),
    namespacesHostPath: z.string().regex(/^\/[^:]+$/).default("/run/netns").describe("Folder of the node where the container runtime keeps network namespaces, for `node`; containerd and CRI-O use this one."),
    resources: resources({ cpu: "10m", memory: "96Mi" }, { memory: "512Mi" }),
  }).prefault({}),
  policy: z.strictObject({
    base: policyData.optional().describe("Policy for every agent of the cluster, as in data.yaml, e.g. names that are hidden from all."),
  }).prefault({}),
  budgets: z.strictObject({
    perAgent: z.strictObject({
      requests: z.int().min(0).nullable().default(null).describe("Most requests of one agent in one window, in requests."),
      bytes: z.int().min(0).nullable().default(null).describe("Most bytes of bodies of one agent in one window, in bytes."),
      tokens: z.int().min(0).nullable().default(null).describe("Most tokens of models of one agent in one window."),
      usd: z.union([z.number().min(0), z.string()]).nullable().default(null).describe("Most money for models of one agent in one window, in dollars."),
      window: z.enum(WINDOWS).default("thread").describe("When the count begins anew."),
    }).prefault({}),
    named: boundaryConfig.shape.budgets.describe("Budgets of the installation, by names without a dot: caps for everybody (`applies: always`), and parents for Budgets of namespaces."),
  }).prefault({}),
  vault,
  proxy,
  controller,
  crds: z.strictObject({
    install: z.boolean().default(true).describe("Write the CRDs; they stay when the release is removed, so that no agent or thread is lost."),
  }).prefault({}),
  rbac: z.strictObject({
    everyNamespace: z.boolean().default(false).describe("Let the controller create pods in every namespace instead of those of `agentNamespaces`."),
  }).prefault({}),
  webhook: z.strictObject({
    excludedNamespaces: z.array(label).default([]).describe("Namespaces whose pods are never changed, besides `kube-system` and this one."),
  }).prefault({}),
  networkPolicies: z.strictObject({
    enabled: z.boolean().default(true).describe("Write NetworkPolicies for agents, proxies and the controller. The cluster's network plug-in must enforce them."),
  }).prefault({}),
  monitoring,
  global: json.optional().describe("Unused; Helm gives it to every chart."),
});
export type ChartValues = z.output<typeof chartValues>;
