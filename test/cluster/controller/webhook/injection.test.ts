import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { ensureBoundaryCa } from "../../../../controller/webhook/boundary-ca.ts";
import { governPod } from "../../../../controller/pods/govern-pod.ts";
import { pod as podSchema, type ReadPod } from "../../../../controller/resources/pod.ts";
import type { WebhookServer } from "../../../../controller/webhook/server.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { RELEASE } from "../../../support/kube/chart.ts";
import { callKube } from "../../../support/kube/cluster-connection.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";
import { CONTROLLER_USER, WebhookStand } from "../../../support/kube/webhook-stand.ts";
import { TestClock } from "../../../support/test-clock.ts";

const environment = readEnvironment();
const WANTED = [...PROGRAMS_OF_LEVEL[1], "helm"] as const;
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, WANTED) : await findKubernetes(environment, WANTED);

const PODS = "/api/v1/namespaces/team/pods";
const GOVERNED = { "weir.dev/inject": "enabled", "weir.dev/agent": "coder" };
const aPod = (spec: object = {}, metadata: object = {}) => ({ apiVersion: "v1", kind: "Pod", metadata: { generateName: "app-", labels: GOVERNED, ...metadata }, spec: { containers: [{ name: "app", image: "app:1" }], ...spec } });
const MINUTE_MS = 60_000;

describe.skipIf(programs === null)("injection by a real API server (npm run verify:cluster builds it)", () => {
  let plane: ControlPlane;
  let stand: WebhookStand;
  let server: WebhookServer;
  const create = async (pod: object, query = "?dryRun=All") => plane.call("POST", `${PODS}${query}`, pod);
  const caBundle = async () => {
    const { body } = await plane.call("GET", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/weir-injection");
    return Buffer.from((body["webhooks"] as { clientConfig: { caBundle?: string } }[])[0]?.clientConfig.caBundle ?? "", "base64").toString("utf8");
  };
  const injected = async () => (await create(aPod())).status;

  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    stand = await WebhookStand.open(plane, ["team"]);
    const shell = { name: "shell", image: "shell:1", port: 8_001 };
    for (const [name, spec] of [["coder", {}], ["tooled", { mcpServers: [shell] }]] as const) {
      await plane.call("POST", "/apis/weir.dev/v1alpha1/namespaces/team/agents", { apiVersion: "weir.dev/v1alpha1", kind: "Agent", metadata: { name }, spec });
    }
  });
  afterAll(async () => {
    await stand?.stop();
    await plane?.stop();
  });

  test("refuses a pod that asks for the boundary while no webhook answers", async () => {
    await expect.poll(injected, { timeout: 20_000 }).toBe(500);
  });

  test("governs it once a webhook is there whose certificate the API server was told of, with the rights of the chart alone", async () => {
    server = await stand.start();
    await expect.poll(injected, { timeout: 20_000 }).toBe(201);
    const { status, body } = await create(aPod({ initContainers: [{ name: "migrate", image: "m:1" }] }), "");
    expect(status).toBe(201);
    const { spec, metadata } = podSchema.parse(body);
    expect(spec.initContainers?.map(({ name }) => name)).toEqual(["weir-init", "weir-sidecar", "migrate"]);
    expect(metadata.annotations?.["weir.dev/injected"]).toContain("fingerprint");
    expect(JSON.stringify(spec)).not.toContain("kube-api-access");
  });

  test("knows again what comes back from the API server: governing that changes nothing", async () => {
    const stored = podSchema.parse((await create(aPod())).body);
    const governed = governPod(stored, { agentName: "coder", identities: [], trust: { mountSystemBundle: true }, inbound: "none", settings: stand.settings });
    expect(governed.kind === "governed" ? governed.pod : governed).toEqual(stored);
  });

  test("gives a server of tools an identity of its own", async () => {
    const containers = [{ name: "app", image: "app:1", securityContext: { runAsUser: 1_000 } }, { name: "shell", image: "shell:1" }];
    const pod = aPod({ containers }, { labels: { ...GOVERNED, "weir.dev/agent": "tooled" } });
    const { metadata, spec } = podSchema.parse((await create(pod)).body);
    expect(metadata.annotations?.["weir.dev/identities"]).toBe('{"shell":64100}');
    expect(spec.containers[1]?.securityContext).toMatchObject({ runAsUser: 64_100 });
  });

  test.each<[string, ReadPod | object, RegExp]>([
    ["without an agent", aPod({}, { labels: { "weir.dev/inject": "enabled" } }), /needs the label weir\.dev\/agent/],
    ["of an agent that is not there", aPod({}, { labels: { ...GOVERNED, "weir.dev/agent": "nobody" } }), /no Agent nobody in namespace team/],
    ["on the node's network", aPod({ hostNetwork: true }), /hostNetwork/],
    ["of which somebody claims whose it is", aPod({}, { annotations: { "weir.dev/user": "boss" } }), /Only Weir's controller sets weir\.dev\/user/],
  ])("refuses a pod %s, and says why", async (_name, pod, message) => {
    const { status, body } = await create(pod);
    expect([status, body["message"]]).toEqual([403, expect.stringMatching(message)]);
  });

  test("leaves pods alone that do not ask for it", async () => {
    const { status, body } = await create(aPod({}, { labels: {} }));
    expect([status, podSchema.parse(body).spec.initContainers]).toEqual([201, undefined]);
  });

  test("goes on while certificate and CA are replaced, whichever replica does it", async () => {
    const clock = new TestClock();
    clock.advance(Date.now() - clock.nowMs());
    // The API server's clock stands still meanwhile, and takes no certificate from the future: all of it happens within the hour that they are backdated.
    const config = { certificateLifetimeMs: 30 * MINUTE_MS, caLifetimeMs: 45 * MINUTE_MS, handoverMs: 2 * MINUTE_MS };
    const [one, other] = [await stand.certificates(config, clock), await stand.certificates(config, clock)];
    await plane.call("DELETE", `/api/v1/namespaces/${RELEASE.namespace}/secrets/weir-webhook`);
    let shown = await one.refresh(AbortSignal.timeout(10_000));
    const seen = new Set<string>();
    for (let minutes = 0; minutes < 57; minutes += 3) {
      const both = await Promise.all([one.refresh(AbortSignal.timeout(10_000)), other.refresh(AbortSignal.timeout(10_000))]);
      expect(both[0].certPem).toBe(both[1].certPem);
      // One replica shows the certificate of before for another round.
      server.present(shown);
      await expect.poll(injected, { timeout: 10_000 }).toBe(201);
      server.present(both[0]);
      await expect.poll(injected, { timeout: 10_000 }).toBe(201);
      seen.add((await caBundle()).match(/-----BEGIN[^-]+-----[^-]+/)?.[0] ?? "");
      shown = both[0];
      clock.advance(3 * MINUTE_MS);
    }
    expect(seen.size).toBeGreaterThan(1);
  });

  test("refuses again when the webhook has gone", async () => {
    await stand.stop();
    await expect.poll(injected, { timeout: 20_000 }).toBe(500);
    await stand.start();
    await expect.poll(injected, { timeout: 20_000 }).toBe(201);
  });

  test("survives a restart of the API server", async () => {
    await plane.restartApiServer();
    await expect.poll(injected, { timeout: 20_000 }).toBe(201);
  });

  test("takes the certificate of nobody else under the webhook's name", async () => {
    await stand.stop();
    const bundle = await caBundle();
    await plane.call("DELETE", `/api/v1/namespaces/${RELEASE.namespace}/secrets/weir-webhook`);
    const fresh = await (await stand.certificates()).refresh(AbortSignal.timeout(10_000));
    expect(new X509Certificate(fresh.certPem).checkIssued(new X509Certificate(bundle))).toBe(false);
    expect(await caBundle()).not.toBe(bundle);
  });

  test("has one boundary CA however many controllers make it at once", async () => {
    const kube = await stand.controllerApi();
    const made = await Promise.all(Array.from({ length: 8 }, async () => ensureBoundaryCa(kube, { namespace: RELEASE.namespace, name: "weir-ca" }, Date.now(), AbortSignal.timeout(20_000))));
    expect(new Set(made.map(({ certPem }) => certPem)).size).toBe(1);
    expect(new X509Certificate(made[0]?.certPem ?? "").ca).toBe(true);
  });

  test("knows the controller by its user", async () => {
    const controller = await plane.identity(CONTROLLER_USER);
    await plane.call("POST", `/apis/rbac.authorization.k8s.io/v1/namespaces/team/rolebindings`, { apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", metadata: { name: "all" }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" }, subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: CONTROLLER_USER }] });
    await stand.start();
    const labels = { ...GOVERNED, "weir.dev/thread": "t" };
    await expect.poll(async () => (await callKube(controller, "POST", `${PODS}?dryRun=All`, aPod({}, { labels }))).status, { timeout: 20_000 }).toBe(201);
    expect((await create(aPod({}, { labels }))).status).toBe(403);
  });
});
