import { X509Certificate } from "node:crypto";
import * as z from "zod";
import { systemClock } from "../../../common/clock.ts";
import { KubeError } from "../../../common/kube/kube-api.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import type { Cluster } from "../cluster-connection.ts";
import { isForbidden } from "../kube-trouble.ts";
import { finding, type Check, type ClusterFinding } from "./finding.ts";

const CONFIGURATION = "weir-injection";
const WEBHOOK = "pods.weir.dev";
const SECRET = "weir-webhook";
const NAME = "webhook";
const WAIT = "The controller writes it by itself, about a minute after it can: see its log.";
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

const webhookShape = z.looseObject({
  name: z.string(), failurePolicy: z.string().default("Fail"), clientConfig: z.looseObject({ caBundle: z.string().default("") }),
});
const configuration = z.looseObject({
  webhooks: z.array(webhookShape).default([]),
});
const secret = z.looseObject({ data: z.looseObject({ "tls.crt": z.string() }) });

/** Whether the API server asks the webhook about pods that want the boundary, and can know it by its certificate. */
export const webhookCheck: Check = {
  name: NAME,
  run: async (cluster) => {
    const found = await cluster.api.get(TYPES.mutatingWebhooks, { name: CONFIGURATION });
    if (found === null) {
      return [finding.fail(
        NAME, `there is no MutatingWebhookConfiguration ${CONFIGURATION}: no pod is given the boundary`, "Install the chart again: `helm upgrade`.",
      )];
    }
    const webhook = configuration.parse(found).webhooks.find(({ name }) => name === WEBHOOK);
    if (webhook === undefined) return [finding.fail(NAME, `${CONFIGURATION} does not name ${WEBHOOK}`, "Install the chart again: `helm upgrade`.")];
    if (webhook.failurePolicy !== "Fail") {
      return [finding.fail(
        NAME, `its failurePolicy is ${webhook.failurePolicy}: pods come up without the boundary when no controller answers`,
        "Set it back to Fail: `helm upgrade`.",
      )];
    }
    return [await certified(cluster, webhook.clientConfig.caBundle)];
  },
};

/** A CA that has expired, or another one than the webhook's certificate is of, makes the API server refuse every governed pod. */
async function certified({ api, systemNamespace }: Cluster, caBundle: string): Promise<ClusterFinding> {
  const cas = certificatesOf(caBundle);
  if (cas.length === 0) return finding.fail(NAME, "the API server was told no CA for it: every pod with the boundary is refused", WAIT);
  const nowMs = systemClock.nowMs();
  const alive = cas.filter(({ validTo }) => Date.parse(validTo) > nowMs);
  if (alive.length === 0) return finding.fail(NAME, `its CA has expired (${cas[0]?.validTo ?? ""})`, WAIT);
  try {
    const stored = secret.safeParse(await api.get(TYPES.secrets, { namespace: systemNamespace, name: SECRET }));
    if (!stored.success) return finding.fail(NAME, `there is no Secret ${systemNamespace}/${SECRET} with its certificate`, WAIT);
    const [leaf] = certificatesOf(stored.data.data["tls.crt"]);
    if (leaf === undefined || !alive.some((ca) => leaf.verify(ca.publicKey))) {
      return finding.fail(NAME, "its certificate is not of the CA that the API server was told", WAIT);
    }
    if (Date.parse(leaf.validTo) <= nowMs) return finding.fail(NAME, `its certificate has expired (${leaf.validTo})`, WAIT);
    return finding.ok(NAME, `fails closed; its certificate fits the CA that the API server was told, until ${leaf.validTo}`);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return finding.ok(
      NAME, `fails closed; the API server was told ${alive.length} CA (whether the certificate is of it only whoever reads the Secret ${SECRET} can tell)`,
    );
  }
}

function certificatesOf(base64: string): X509Certificate[] {
  try {
    return (Buffer.from(base64, "base64").toString("utf8").match(PEM_CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
  } catch {
    return [];
  }
}

const PROBE = "weir-doctor";
/** Namespaces that are tried. */
const PROBES_LIMIT = 10;
/** What a quota may ask every container for. */
const LITTLE = { requests: { cpu: "1m", memory: "1Mi" }, limits: { cpu: "1m", memory: "1Mi" } };
/** Every level of Pod Security takes it. */
const WITHOUT_RIGHTS = {
  runAsNonRoot: true, runAsUser: 1_000, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, seccompProfile: { type: "RuntimeDefault" },
};
const governed = z.looseObject({ spec: z.looseObject({ initContainers: z.array(z.looseObject({ name: z.string() })).default([]) }) });

/**
 * What becomes of a pod that asks for the boundary: the whole way through webhook, admission policies and Pod Security, as a dry run of which
 * nothing stays.
 */
export const injectionCheck: Check = {
  name: "injection",
  run: async (cluster, facts) => {
    const namespaces = await facts.agentNamespaces();
    if (namespaces.length === 0) {
      return [finding.warn("injection", "there is no namespace for agents to try it in", "Name one in the chart's `agentNamespaces`.")];
    }
    const agents = await facts.agents();
    const someAgent = (namespace: string) => agents.find(({ metadata }) => metadata.namespace === namespace)?.metadata.name;
    return Promise.all(namespaces.slice(0, PROBES_LIMIT).map(async (namespace) => tried(cluster, namespace, someAgent(namespace))));
  },
};

async function tried({ api }: Cluster, namespace: string, agent: string | undefined): Promise<ClusterFinding> {
  const name = `injection in ${namespace}`;
  const labels = { "weir.dev/inject": "enabled", ...(agent === undefined ? {} : { "weir.dev/agent": agent }) };
  const container = { name: "probe", image: "weir.dev/doctor", resources: LITTLE, securityContext: WITHOUT_RIGHTS };
  const spec = { automountServiceAccountToken: false, containers: [container] };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: PROBE, namespace, labels }, spec };
  try {
    const answer = governed.safeParse(await api.post(`/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?dryRun=All`, pod));
    const isGoverned = answer.success && answer.data.spec.initContainers.some((one) => one.name === "weir-init");
    if (isGoverned) return finding.ok(name, "a pod that asks for the boundary gets it");
    return finding.fail(
      name, "a pod that asks for the boundary comes up without it",
      "The webhook leaves this namespace out (`webhook.excludedNamespaces`), or is not the chart's own.",
    );
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    // Without an Agent there is nobody to be; that it says so shows that it is asked.
    if (agent === undefined && error.message.includes(`admission webhook "${WEBHOOK}" denied`)) {
      return finding.ok(name, "the webhook answers; there is no Agent yet to try a pod for");
    }
    if (isForbidden(error) && error.message.includes("cannot create")) {
      return finding.warn(name, "you may not create pods there, so it was not tried", "`helm test` tries it as well.");
    }
    return finding.fail(name, error.message, hintFor(error.message));
  }
}

function hintFor(message: string): string {
  if (message.includes("PodSecurity")) {
    return "Label the namespace `pod-security.kubernetes.io/enforce=privileged`, or let nodes write the rules (`redirect.mode: node`): "
      + "in mode `init` one init container of Weir needs NET_ADMIN.";
  }
  if (message.includes("failed calling webhook")) {
    return "The API server cannot reach the webhook: see the findings `controller` and `webhook`, and what lies between (firewall, proxy, NetworkPolicy).";
  }
  return "The words are the API server's; `kubectl -n NAMESPACE run` with the label `weir.dev/inject=enabled` says the same.";
}
