import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../common/config.ts";
import { findKubernetes, obtainKubernetes } from "../../../tools/kubernetes.ts";
import { CHART, helm, helmRelease, readObjects, RELEASE } from "../../support/kube/chart.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../support/kube/control-plane.ts";

const environment = readEnvironment();
const WANTED = [...PROGRAMS_OF_LEVEL[1], "helm"] as const;
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, WANTED) : await findKubernetes(environment, WANTED);

const VALUES = { agentNamespaces: [{ name: "agents", create: true }, { name: "team-a" }] };

/** The story of one release, in order: each test begins where the one before it ended. */
describe.skipIf(programs === null)("a release of the chart on a real API server (npm run verify:cluster builds it)", () => {
  let plane: ControlPlane;
  const released = async (verb: "install" | "upgrade", args: readonly string[] = [], options: { readonly values?: object; readonly chart?: string } = {}) =>
    helmRelease(verb, args, { kubeconfig: plane.adminKubeconfig, ...options, values: { ...VALUES, ...options.values } });
  const get = async (kind: string, name: string, ...args: string[]) => JSON.parse(await plane.kubectl(["get", kind, name, "-o", "json", ...args])) as object;

  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    await plane.createNamespace(RELEASE.namespace);
    await plane.createNamespace("team-a");
  });
  afterAll(async () => { await plane?.stop(); });

  test("has objects that the API server accepts, field by field", async () => {
    const rendered = await helmRelease("template", [], { values: { ...VALUES, agentNamespaces: [{ name: "team-a" }] } });
    const answer = await plane.kubectl(["apply", "--dry-run=server", "--validate=strict", "-f", "-"], rendered);
    expect(answer.trim().split("\n").filter((line) => !line.endsWith("created (server dry run)"))).toEqual([]);
    expect(answer.trim().split("\n")).toHaveLength(readObjects(rendered).length);
  });

  test("is installed by one command", async () => {
    expect(await released("install")).toContain("STATUS: deployed");
    const daemonSet = await get("daemonset", "weir-proxy", "-n", RELEASE.namespace);
    expect(daemonSet).toMatchObject({ spec: { template: { spec: { priorityClassName: "system-node-critical", containers: [{ securityContext: { readOnlyRootFilesystem: true } }] } } } });
    expect(daemonSet).not.toHaveProperty("spec.template.spec.hostNetwork");
    expect(await get("service", "weir-proxy", "-n", RELEASE.namespace)).toMatchObject({ spec: { internalTrafficPolicy: "Local", clusterIP: expect.stringMatching(/^10\./) } });
    expect(await get("networkpolicy", "weir-agents", "-n", "agents")).toMatchObject({ spec: { policyTypes: ["Egress"] } });
  });

  test("refuses pods that ask for the boundary while no controller answers, and no others", async () => {
    const pod = (labels: object) => ({ apiVersion: "v1", kind: "Pod", metadata: { generateName: "x-", labels }, spec: { automountServiceAccountToken: false, containers: [{ name: "app", image: "none:1" }] } });
    const governed = async () => (await plane.call("POST", "/api/v1/namespaces/team-a/pods?dryRun=All", pod({ "weir.dev/inject": "enabled" }))).status;
    await expect.poll(governed, { timeout: 20_000, interval: 200 }).toBe(500);
    expect((await plane.call("POST", "/api/v1/namespaces/team-a/pods?dryRun=All", pod({ "weir.dev/inject": "disabled" }))).status).toBe(201);
  });

  test("keeps what the controller wrote into its webhook over an upgrade, and changes what values change", async () => {
    const caBundle = Buffer.from(plane.caPem).toString("base64");
    await plane.kubectl(["patch", "mutatingwebhookconfiguration", "weir-injection", "--type=json", "-p", JSON.stringify([{ op: "add", path: "/webhooks/0/clientConfig/caBundle", value: caBundle }])]);
    expect(await released("upgrade", [], { values: { proxy: { config: { audit: { retainDays: 30 } } }, webhook: { excludedNamespaces: ["lab"] } } })).toContain("REVISION: 2");
    const webhook = await get("mutatingwebhookconfiguration", "weir-injection");
    expect(webhook).toMatchObject({ webhooks: [{ clientConfig: { caBundle }, failurePolicy: "Fail", namespaceSelector: { matchExpressions: [{ values: ["kube-system", RELEASE.namespace, "lab"] }] } }] });
    expect(await get("configmap", "weir-proxy", "-n", RELEASE.namespace)).toMatchObject({ data: { "proxy.yaml": expect.stringContaining("retainDays: 30") } });
  });

  test("brings a newer version of its CRDs along", async () => {
    const chart = await mkdtemp(join(tmpdir(), "weir-chart-"));
    try {
      await cp(CHART, chart, { recursive: true });
      const file = join(chart, "files/crds/budgets.yaml");
      await writeFile(file, (await readFile(file, "utf8")).replace(/shortNames:\n(\s+)- /, "shortNames:\n$1- capped\n$1- "));
      await released("upgrade", [], { chart });
    } finally {
      await rm(chart, { recursive: true });
    }
    expect(await get("crd", "budgets.weir.dev")).toMatchObject({ spec: { names: { shortNames: expect.arrayContaining(["capped"]) } } });
  });

  test("goes back to an earlier revision", async () => {
    await helm(["rollback", RELEASE.name, "1", "--namespace", RELEASE.namespace], plane.adminKubeconfig);
    expect(await get("configmap", "weir-proxy", "-n", RELEASE.namespace)).not.toMatchObject({ data: { "proxy.yaml": expect.stringContaining("retainDays") } });
    expect((await get("crd", "budgets.weir.dev") as { readonly spec: { names: { shortNames: string[] } } }).spec.names.shortNames).not.toContain("capped");
  });

  test("leaves agents, threads and their messages behind when it is removed, and nothing that acts", async () => {
    await plane.kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "weir.dev/v1alpha1", kind: "Agent", metadata: { name: "kept", namespace: "team-a" }, spec: {} }));
    await helm(["uninstall", RELEASE.name, "--namespace", RELEASE.namespace], plane.adminKubeconfig);
    expect(await plane.kubectl(["get", "agents", "-n", "team-a", "-o", "name"])).toBe("agent.weir.dev/kept\n");
    expect(await plane.kubectl(["get", "pvc", "-n", RELEASE.namespace, "-o", "name"])).toBe("persistentvolumeclaim/weir-controller\n");
    const acting = await plane.kubectl(["get", "daemonset,deployment,service,role,rolebinding,networkpolicy,configmap,serviceaccount", "-n", RELEASE.namespace, "-l", "app.kubernetes.io/part-of=weir", "-o", "name"]);
    const global = await plane.kubectl(["get", "clusterrole,clusterrolebinding,mutatingwebhookconfiguration,validatingadmissionpolicy,validatingadmissionpolicybinding", "-l", "app.kubernetes.io/part-of=weir", "-o", "name"]);
    expect(acting + global).toBe("");
  });

  test("is installed again over what it left", async () => {
    expect(await released("install")).toContain("STATUS: deployed");
    expect(await plane.kubectl(["get", "agents", "-n", "team-a", "-o", "name"])).toBe("agent.weir.dev/kept\n");
  });
});
