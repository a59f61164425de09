import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../common/config.ts";
import { findKubernetes, obtainKubernetes } from "../../../tools/kubernetes.ts";
import { AGENTS, startBoundaryLab, type BoundaryLab } from "../../support/kube/boundary-lab.ts";
import { RELEASE } from "../../support/kube/chart.ts";
import { LAB_PROGRAMS, NODE_IMAGE } from "../../support/kube/node-lab.ts";

const environment = readEnvironment();
const WANTED = [...LAB_PROGRAMS, "helm"] as const;
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, WANTED) : await findKubernetes(environment, WANTED);
const canRun = programs !== null && process.getuid?.() === 0 && existsSync("/usr/bin/containerd");

const MINUTES_MS = 60_000;
const POLL = { timeout: 90_000, interval: 500 };
/** What level `restricted` asks of whoever writes a pod. */
const RESTRICTED = { runAsNonRoot: true, runAsUser: 1_000, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, seccompProfile: { type: "RuntimeDefault" } };
const own = (kind: string, name: string, spec: object) => ({ apiVersion: "weir.dev/v1alpha1", kind, metadata: { name, namespace: AGENTS }, spec });
/** Prints the status of an answer, or why there is none. */
const FETCH = "fetch(process.argv.at(-1)).then((answer) => answer.status, (error) => error.cause?.code ?? error.message).then((said) => console.log(said))";

function deployment(name: string): object {
  const labels = { app: name, "weir.dev/inject": "enabled", "weir.dev/agent": "reader" };
  const container = { name: "reader", image: NODE_IMAGE, imagePullPolicy: "Never", command: ["node", "-e", "setInterval(() => {}, 1000)"], securityContext: RESTRICTED };
  return {
    apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace: AGENTS },
    spec: { selector: { matchLabels: { app: name } }, template: { metadata: { labels }, spec: { automountServiceAccountToken: false, terminationGracePeriodSeconds: 1, containers: [container] } } },
  };
}

/** The chart with `redirect.mode: node` on a real node; the namespace of the agents is restricted, and no container in it has any right. */
describe.skipIf(!canRun)("rules by the node, on a real one (root, containerd; npm run verify:cluster builds the rest)", () => {
  let boundary: BoundaryLab;
  const kubectl = async (...args: string[]) => boundary.lab.kubectl(["--namespace", AGENTS, ...args]);
  const apply = async (...items: object[]) => boundary.lab.kubectl(["apply", "--server-side", "--filename", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  const inAgent = async (...argv: string[]) => (await kubectl("exec", "deployment/reader", "--container", "reader", "--", ...argv)).trim();
  const get = async (url: string) => inAgent("node", "-e", FETCH, url);
  const podOf = async (app: string) => (JSON.parse(await kubectl("get", "pods", `--selector=app=${app}`, "--output=json")) as { items: Pod[] }).items[0];

  interface Status { readonly started?: boolean; readonly state: Readonly<Record<string, { readonly reason?: string }>> }
  interface Pod {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly initContainers: readonly { readonly securityContext: { readonly capabilities: object } }[]; readonly containers: readonly { readonly securityContext: { readonly capabilities: object } }[] };
    readonly status: { readonly initContainerStatuses?: readonly Status[]; readonly containerStatuses?: readonly Status[] };
  }

  beforeAll(async () => {
    boundary = await startBoundaryLab((line) => { process.stderr.write(`${line}\n`); }, { redirect: { mode: "node" } });
    await boundary.lab.kubectl(["--namespace", RELEASE.namespace, "rollout", "status", "--timeout=120s", "daemonset/weir-redirect"]);
    await apply(own("EgressPolicy", "docs", { data: { hosts: [{ name: "docs.github.com", rule: "docs.read", methods: ["GET"] }] } }), own("Agent", "reader", { policies: ["docs"] }), deployment("reader"));
    await kubectl("wait", "--timeout=60s", "--for=condition=Accepted", "egresspolicies", "--all");
  }, 6 * MINUTES_MS);
  afterAll(async () => boundary?.stop(), MINUTES_MS);

  test("a governed Deployment starts in a restricted namespace, and none of its containers has a right", async () => {
    expect(await boundary.lab.kubectl(["get", "namespace", AGENTS, "--output", "jsonpath={.metadata.labels['pod-security\\.kubernetes\\.io/enforce']}"])).toBe("restricted");
    await kubectl("rollout", "status", "deployment/reader", "--timeout=90s");
    const { spec } = (await podOf("reader")) as Pod;
    const rights = [...spec.initContainers, ...spec.containers].map(({ securityContext }) => securityContext.capabilities);
    expect(rights.map((one) => JSON.stringify(one))).toEqual([...rights].fill('{"drop":["ALL"]}' as never));
  });

  test("reaches what its policy allows through the boundary, and nothing else", async () => {
    await expect.poll(async () => get("https://docs.github.com/node-rules"), POLL).toBe("200");
    expect(boundary.world.arrivals.filter(({ path }) => path === "/node-rules")).toHaveLength(1);
    for (const elsewhere of ["other.example.com", boundary.lab.addresses.world, `${boundary.lab.addresses.node}:6443`]) expect(await get(`https://${elsewhere}/node-rules`), elsewhere).not.toBe("200");
    expect(boundary.world.arrivals.filter(({ path }) => path === "/node-rules")).toHaveLength(1);
  });

  test("holds for the pod of a thread, too, and for the identity of its server of tools", async () => {
    const fetching = (...urls: readonly string[]) => ({ image: NODE_IMAGE, command: ["node", "-e", `setInterval(() => { for (const url of ${JSON.stringify(urls)}) fetch(url).catch(() => {}); }, 1000)`] });
    const [docs, api] = ["https://docs.github.com", "https://api.github.com"];
    await apply(
      own("EgressPolicy", "api", { data: { hosts: [{ name: "api.github.com", rule: "api.read", methods: ["GET"] }] } }),
      own("Agent", "writer", {
        ...fetching(`${docs}/by-the-agent`, `${api}/by-the-agent`), imagePullPolicy: "Never", runAsUser: 1_000, policies: ["docs"], instances: { max: 1, warm: 1 },
        mcpServers: [{ name: "tools", ...fetching(`${docs}/by-its-tools`, `${api}/by-its-tools`), port: 8_100, policies: ["api"] }],
      }),
      own("Thread", "one", { agent: "writer", user: "ann" }),
    );
    const arrived = (path: string) => [...new Set(boundary.world.arrivals.filter((seen) => seen.path === path).map(({ headers }) => headers["host"]))];
    await expect.poll(() => [arrived("/by-the-agent"), arrived("/by-its-tools")], POLL).toEqual([["docs.github.com"], ["api.github.com"]]);
    await kubectl("delete", "thread/one", "--wait=false");
  });

  test("cannot take the rules away", async () => {
    await expect(inAgent("nft", "flush", "ruleset")).rejects.toThrow(/not permitted/);
    expect(await get("https://docs.github.com/still-governed")).toBe("200");
  });

  test("no pod of the namespace gets NET_ADMIN, whatever it is called", async () => {
    const digger = { name: "weir-init", image: NODE_IMAGE, command: ["sleep", "60"], securityContext: { ...RESTRICTED, capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] } } };
    await expect(apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "digger", namespace: AGENTS }, spec: { containers: [digger] } })).rejects.toThrow(/PodSecurity|NET_ADMIN/);
  });

  test("a pod waits, and says for what, while its node has nobody who writes rules, and starts when it has", async () => {
    const placed = async (patch: object) => boundary.lab.kubectl(["--namespace", RELEASE.namespace, "patch", "daemonset/weir-redirect", "--type=json", "--patch", JSON.stringify([patch])]);
    await placed({ op: "add", path: "/spec/template/spec/nodeSelector", value: { nowhere: "true" } });
    await expect.poll(async () => (await boundary.lab.kubectl(["--namespace", RELEASE.namespace, "get", "pods", "--selector=app.kubernetes.io/component=redirect", "--output=name"])).trim(), POLL).toBe("");
    await apply(deployment("waiting"));
    await expect.poll(async () => kubectl("logs", "deployment/waiting", "--container=weir-sidecar").catch(() => ""), POLL).toContain("sidecar.not-captured");
    const { status } = (await podOf("waiting")) as Pod;
    expect([status.initContainerStatuses?.[1]?.started, status.containerStatuses?.[0]?.state]).toEqual([false, { waiting: { reason: "PodInitializing" } }]);
    expect(await get("https://docs.github.com/rules-stay")).toBe("200");
    await placed({ op: "remove", path: "/spec/template/spec/nodeSelector" });
    await kubectl("rollout", "status", "deployment/waiting", "--timeout=90s");
  });
});
