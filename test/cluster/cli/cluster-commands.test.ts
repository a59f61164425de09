import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ClusterFinding } from "../../../cli/cluster/doctor/finding.ts";
import { readEnvironment } from "../../../common/config.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import type { RunningController } from "../../../controller/main.ts";
import { findKubernetes, obtainKubernetes } from "../../../tools/kubernetes.ts";
import { weir, type Said } from "../../support/cli.ts";
import { RELEASE, renderChart } from "../../support/kube/chart.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../support/kube/control-plane.ts";
import { ControllerStand } from "../../support/kube/controller-stand.ts";
import { standInForKubectl } from "../../support/kube/kubectl-stand-in.ts";

const environment = readEnvironment();
const WANTED = [...PROGRAMS_OF_LEVEL[2], "helm"] as const;
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, WANTED) : await findKubernetes(environment, WANTED);
const SOON = { timeout: 30_000, interval: 300 };

const own = (kind: string, name: string, spec: object) => ({ apiVersion: "weir.dev/v1alpha1", kind, metadata: { name, namespace: "team" }, spec });
const DEFINITIONS = [
  own("CredentialGrant", "github", { vault: { path: "github", key: "token" }, bind: { hosts: ["api.github.com"] } }),
  own("Budget", "daily", { meter: "requests", limit: 5_000, window: "day" }),
  own("EgressPolicy", "read-github", { data: { hosts: [{ name: "api.github.com", rule: "github.read", methods: ["GET"], paths: ["/repos/**"], grants: ["github"] }] } }),
  own("Agent", "reviewer", { image: "registry.example/reviewer:1", policies: ["read-github"], grants: ["github"], budgets: ["daily"] }),
  own("Agent", "poor", { image: "registry.example/reviewer:1", policies: ["read-github"] }),
  own("Agent", "broken", { image: "registry.example/reviewer:1", policies: ["nothing"] }),
];

describe.skipIf(programs === null)("weir against a real control plane, with the chart's rights and the real controller (npm run verify:cluster builds it)", () => {
  let plane: ControlPlane;
  let controller: RunningController | undefined;
  let stand: ControllerStand;
  const asAdmin = async (...args: string[]): Promise<Said> => weir([...args, "--kubeconfig", plane.adminKubeconfig]);
  const findings = async (): Promise<readonly ClusterFinding[]> => (JSON.parse((await asAdmin("doctor", "--cluster", "-o", "json")).out) as { findings: ClusterFinding[] }).findings;
  const stateOf = async (name: string) => (await findings()).filter((finding) => finding.name === name).map(({ state }) => state);
  const apply = async (items: readonly object[]) => plane.kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));

  beforeAll(async () => { plane = await startControlPlane({ level: 2, nodes: 2 }); });
  afterAll(async () => {
    await controller?.stop();
    await plane?.stop();
  });

  test("doctor says that there is no installation, once, and what to do", async () => {
    const { code, out } = await asAdmin("doctor", "--cluster");
    expect(code).toBe(1);
    expect(out).toMatch(/^ok +API server +v1\.\d+\.\d+ at https:\/\/127\.0\.0\.1:\d+\nok +you +admin\nFAIL kinds +none of Weir's kinds .*\n +mend: Install the chart/);
    expect(out).toContain("2 ok, 0 to look at, 1 broken");
  });

  test("doctor names what is missing before a controller runs", async () => {
    stand = await ControllerStand.open(plane, ["team"]);
    const rendered = await renderChart({ agentNamespaces: [{ name: "team" }] });
    await apply(rendered.filter(({ kind }) => /^(NetworkPolicy|DaemonSet|ConfigMap)$/.test(kind)));
    const found = await findings();
    const failed = found.filter(({ state }) => state === "fail").map(({ name }) => name);
    expect(failed).toEqual(expect.arrayContaining(["controller", "leader", "webhook", "injection in team", "boundary"]));
    expect(found.find(({ name }) => name === "kinds")).toMatchObject({ state: "ok" });
    expect(found.find(({ name }) => name === "rights")).toMatchObject({ state: "ok" });
    expect(found.every(({ state, fix }) => state === "ok" || fix !== "")).toBe(true);
  });

  test("doctor is content when the controller runs, apart from what cannot be seen on fake nodes", async () => {
    controller = await stand.start("one");
    // Without a volume, for which there is nothing here that would make one.
    const store = { kind: "postgres", urlSecret: { name: "url" } };
    await apply((await renderChart({ agentNamespaces: [{ name: "team" }], controller: { store } })).filter(({ kind }) => kind === "Deployment"));
    await expect.poll(async () => (await findings()).filter(({ state }) => state === "fail"), SOON).toEqual([]);
    const { code, out } = await asAdmin("doctor", "--cluster");
    expect(code).toBe(0);
    for (const name of ["controller", "leader", "webhook", "injection in team", "admission policies", "boundary", "proxies", "nodes", "rights", "namespace team"]) expect(out).toMatch(new RegExp(`^ok +${name} `, "m"));
    expect(out).toMatch(/^ok +leader +one, renewed \ds ago$/m);
  });

  test("doctor finds the Agent whose policy is not there", async () => {
    await apply(DEFINITIONS);
    await expect.poll(async () => stateOf("Agent team/broken"), SOON).toEqual(["fail"]);
    expect(await stateOf("injection in team")).toEqual(["ok"]);
    expect((await asAdmin("doctor", "--cluster")).out).toMatch(/^ok +injection in team +a pod that asks for the boundary gets it$/m);
    expect((await asAdmin("doctor", "--cluster")).out).toMatch(/FAIL Agent team\/broken +ResolvedRefs is not so \(RefNotFound\): not found: .*nothing/);
    expect(await stateOf("Agent team/reviewer")).toEqual([]);
  });

  test("agents lists what there is, where it is ready, and shows why one is not", async () => {
    const { out } = await asAdmin("agents", "-n", "team");
    expect(out).toMatch(/^NAME +READY +REASON +INSTANCES +THREADS +POLICIES +GRANTS +BUDGETS +AGE\n/);
    expect(out).toMatch(/^broken +False +RefNotFound +0 +0 +nothing +- +- +\d+s$/m);
    expect(out).toMatch(/^reviewer +True +Ready +0 +0 +read-github +github +daily +\d+s$/m);
    expect((await asAdmin("agents", "-A")).out).toMatch(/^team +reviewer +True/m);
    expect((await asAdmin("agents", "show", "broken", "-n", "team")).out).toMatch(/^ResolvedRefs +False +\d+s +RefNotFound +not found: .*nothing/m);
    expect(JSON.parse((await asAdmin("agents", "show", "reviewer", "-n", "team", "-o", "json")).out)).toMatchObject({ metadata: { name: "reviewer" }, spec: { grants: ["github"] } });
    expect(await asAdmin("agents", "show", "nobody", "-n", "team")).toMatchObject({ code: 1, err: expect.stringContaining("there is no Agent team/nobody") });
  });

  test("explain asks the published boundary whether an agent may reach a URL", async () => {
    const reach = async (agent: string, ...more: string[]) => asAdmin("explain", "-n", "team", "--agent", agent, "--url", ...more);
    await expect.poll(async () => (await reach("reviewer", "https://api.github.com/repos/o/r")).code, SOON).toBe(0);
    const may = await reach("reviewer", "https://api.github.com/repos/o/r");
    expect(may.out).toMatch(/^may {2}team\/reviewer: GET https:\/\/api\.github\.com\/repos\/o\/r\nrule: +github\.read\nreason: .*\nlends: +team\.github\ncharges: +team\.daily\n/);
    const post = await reach("reviewer", "https://api.github.com/repos/o/r", "--method", "post");
    expect(post).toMatchObject({ code: 3, out: expect.stringMatching(/^may not {2}team\/reviewer: POST/) });
    expect(await reach("reviewer", "https://evil.example/")).toMatchObject({ code: 3 });
    const poor = await reach("poor", "https://api.github.com/repos/o/r", "-o", "json");
    expect(JSON.parse(poor.out)).toMatchObject({ isAllowed: false, rule: "grants.not-held" });
    expect(await reach("nobody", "https://api.github.com/repos/o/r")).toMatchObject({ code: 3, out: expect.stringContaining("there is no such Agent") });
    expect(await reach("reviewer", "nonsense")).toMatchObject({ code: 2, err: expect.stringContaining("tcp://HOST:PORT") });
  });

  test("explain says why a thread has no instance, and what it was narrowed to", async () => {
    await apply([own("Thread", "quiet", { agent: "reviewer", user: "alice", grants: [] })]);
    const explained = async () => asAdmin("explain", "-n", "team", "--thread", "quiet");
    await expect.poll(async () => (await explained()).out, SOON).toMatch(/^because: +Idle$/m);
    expect((await explained()).out).toMatch(/^mend: +Nothing is wrong: the next message starts it/m);
    const narrowed = await asAdmin("explain", "-n", "team", "--thread", "quiet", "--url", "https://api.github.com/repos/o/r");
    expect(narrowed).toMatchObject({ code: 3, out: expect.stringContaining("grants.not-held") });
    expect(await asAdmin("explain", "-n", "team", "--thread", "nothing")).toMatchObject({ code: 1, err: expect.stringContaining("there is no Thread team/nothing") });
  });

  test("budget shows how a Budget stands, by the controller, to whoever may list Budgets", async () => {
    for (const args of [["serviceaccount", "finance"], ["role", "budgets", "--verb=list", "--resource=budgets.weir.dev"], ["rolebinding", "budgets", "--role=budgets", "--serviceaccount=team:finance"]]) {
      await plane.kubectl(["create", ...args, "-n", "team"]);
    }
    const kubectl = standInForKubectl({ port: controller?.apiPort ?? 0 });
    vi.stubEnv("PATH", `${kubectl.folder}:${environment["PATH"] ?? ""}`);
    try {
      const as = ["-n", "team", "--service-account", "team/finance"];
      expect(await asAdmin("budget", ...as)).toMatchObject({ code: 0, out: expect.stringMatching(/\nteam\.daily +requests +day +5000 +0 +0 +5000 +0 /) as string });
      expect(await asAdmin("budget", "topup", "daily", "10", "--why", "x", ...as)).toMatchObject({ code: 1, out: "" });
    } finally {
      vi.unstubAllEnvs();
      kubectl.remove();
    }
  });

  test("threads are opened and followed through the kubeconfig: the published CA, a requested token, a forwarded port", async () => {
    for (const args of [["serviceaccount", "ci"], ["role", "threads", "--verb=create", "--resource=threads.weir.dev"], ["rolebinding", "threads", "--role=threads", "--serviceaccount=team:ci"]]) {
      await plane.kubectl(["create", ...args, "-n", "team"]);
    }
    const kubectl = standInForKubectl({ port: controller?.apiPort ?? 0 });
    vi.stubEnv("PATH", `${kubectl.folder}:${environment["PATH"] ?? ""}`);
    try {
      const as = ["-n", "team", "--service-account", "team/ci"];
      const { code, out: name, err } = await asAdmin("threads", "create", "reviewer", "-m", "look at #42", ...as);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect((await asAdmin("threads", "tail", name, "--no-follow", ...as)).out).toMatch(/ system:serviceaccount:team:ci\n {2}look at #42$/);
      await expect.poll(async () => (await asAdmin("threads", "ls", ...as)).out, SOON).toMatch(new RegExp(`^${name} +reviewer +(Starting|Running) +1 `, "m"));
      await expect.poll(async () => (await asAdmin("agents", "-n", "team")).out, SOON).toMatch(/^reviewer +True +Ready +[01] +2/m);
      expect(await asAdmin("threads", "ls", "-n", "team")).toMatchObject({ code: 2, err: expect.stringMatching(/signs in without a token.*\n.*--service-account/) });
    } finally {
      vi.unstubAllEnvs();
      kubectl.remove();
    }
  });

  test("whoever has fewer rights is told what is not seen, and why", async () => {
    await plane.kubectl(["create", "serviceaccount", "bob", "-n", "team"]);
    const token = await plane.tokenFor("team/bob", { audience: plane.issuer, seconds: 600 });
    const as = ["--kubeconfig", await kubeconfigOf(plane, token)];
    expect(await weir(["agents", "-n", "team", ...as])).toMatchObject({ code: 1, err: expect.stringMatching(/cannot list resource "agents".*\n.*kubectl auth can-i/) });
    const seen = JSON.parse((await weir(["doctor", "--cluster", "-o", "json", ...as])).out) as { findings: ClusterFinding[] };
    expect(seen.findings.filter(({ state }) => state === "fail")).toEqual([]);
    expect(seen.findings.find(({ name }) => name === "controller")).toMatchObject({ state: "warn", detail: expect.stringContaining("you may not look") });
  });

  test("doctor notices when the leader is gone, a webhook that was made lax, and a right that was taken", async () => {
    await controller?.stop();
    controller = undefined;
    const role = await plane.call("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/weir-proxy");
    await plane.kubectl(["delete", "clusterrole", "weir-proxy"]);
    await plane.kubectl(["patch", "mutatingwebhookconfiguration", "weir-injection", "--type=json", "-p", '[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]']);
    expect(role.status).toBe(200);
    const found = await findings();
    expect(found.find(({ name }) => name === "leader")).toMatchObject({ state: "fail", detail: expect.stringContaining("nobody leads") });
    expect(found.find(({ name }) => name === "webhook")).toMatchObject({ state: "fail", detail: expect.stringContaining("failurePolicy is Ignore") });
    expect(found.filter(({ name }) => name === "rights").map(({ detail }) => detail)).toContain("weir-proxy may not watch pods in the whole cluster");
    expect(await plane.api.get(TYPES.leases, { namespace: RELEASE.namespace, name: "weir-controller" })).not.toBeNull();
  });

  test("a kubeconfig that is not there is said before anything is asked", async () => {
    expect(await weir(["agents", "--kubeconfig", "/nowhere/config"])).toMatchObject({ code: 78, err: expect.stringContaining("cannot read the kubeconfig /nowhere/config") });
  });

  test("an API server that does not answer is said in one line, with exit code 69", async () => {
    await plane.killApiServer();
    expect(await asAdmin("doctor", "--cluster")).toMatchObject({ code: 69, out: "", err: expect.stringMatching(/^weir: .*the API server cannot be reached.*\n {2}Is the cluster up/) });
  });
});

async function kubeconfigOf(plane: ControlPlane, token: string): Promise<string> {
  const path = `${plane.folder}/bob.kubeconfig`;
  await writeFile(path, JSON.stringify({
    apiVersion: "v1", kind: "Config", "current-context": "x", contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
    clusters: [{ name: "x", cluster: { server: plane.url, "certificate-authority-data": Buffer.from(plane.caPem).toString("base64") } }], users: [{ name: "x", user: { token } }],
  }), { mode: 0o600 });
  return path;
}
