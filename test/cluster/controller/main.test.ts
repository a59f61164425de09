import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWeirClient, dataOf, type WeirClient } from "../../../client/client.ts";
import { readEnvironment } from "../../../common/config.ts";
import { UserError } from "../../../common/exit-codes.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import type { RunningController } from "../../../controller/main.ts";
import { findKubernetes, obtainKubernetes } from "../../../tools/kubernetes.ts";
import { RELEASE } from "../../support/kube/chart.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../support/kube/control-plane.ts";
import { ControllerStand } from "../../support/kube/controller-stand.ts";

const environment = readEnvironment();
const WANTED = [...PROGRAMS_OF_LEVEL[1], "helm"] as const;
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, WANTED) : await findKubernetes(environment, WANTED);
const AGENT = { apiVersion: "weir.dev/v1alpha1", kind: "Agent", metadata: { name: "reviewer", namespace: "team" }, spec: { image: "registry.example/reviewer:1" } };

describe.skipIf(programs === null)("the controller with the chart's rights on a real API server (npm run verify:cluster builds it)", () => {
  let plane: ControlPlane;
  let stand: ControllerStand;
  let controller: RunningController;
  let client: WeirClient;
  const configMap = async (name: string) => plane.api.get(TYPES.configMaps, { namespace: RELEASE.namespace, name });
  const caPem = async () => (await configMap("weir-ca") as { readonly data?: Record<string, string> } | null)?.data?.["ca.crt"] ?? "";
  const pods = async () => (await plane.api.list(TYPES.pods, { namespace: "team" })).items;
  const leads = async (which: RunningController) => /^weir_controller_is_leader 1$/m.test(await (await fetch(`${which.adminUrl}/metrics`)).text());

  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    stand = await ControllerStand.open(plane, ["team"]);
    controller = await stand.start("one");
    await plane.kubectl(["create", "serviceaccount", "alice", "-n", "team"]);
    await plane.kubectl(["create", "role", "threads", "-n", "team", "--verb=create", "--resource=threads.weir.dev"]);
    await plane.kubectl(["create", "rolebinding", "threads", "-n", "team", "--role=threads", "--serviceaccount=team:alice"]);
    client = createWeirClient({ url: `https://127.0.0.1:${controller.apiPort}`, ca: await caPem(), serverName: "weir.internal", token: await plane.tokenFor("team/alice", { audience: "weir-controller", seconds: 600 }) });
  });
  afterAll(async () => {
    await client?.close();
    await controller?.stop();
    await plane?.stop();
  });

  test("takes the lead, publishes a boundary and the public part of its CA", async () => {
    await expect.poll(async () => leads(controller)).toBe(true);
    await expect.poll(async () => Object.keys((await configMap("weir-boundary") as { readonly binaryData?: object } | null)?.binaryData ?? {})).toEqual(["boundary.json.gz", "bundle.tar.gz"]);
    expect(JSON.stringify(await configMap("weir-ca"))).not.toContain("PRIVATE KEY");
  });

  test("makes one pod, behind the boundary, of a thread that a message was sent to", async () => {
    await plane.api.create(TYPES.agents, AGENT);
    const { thread } = dataOf(await client.api.POST("/v1/namespaces/{namespace}/threads", { params: { path: { namespace: "team" } }, body: { agent: "reviewer", message: "look at #42" } }));
    await expect.poll(pods).toHaveLength(1);
    expect((await pods())[0]).toMatchObject({
      metadata: { labels: { "weir.dev/agent": "reviewer", "weir.dev/thread": thread.name } },
      spec: { initContainers: [{ name: "weir-init" }, { name: "weir-sidecar" }], containers: [{ name: "agent", image: "registry.example/reviewer:1" }] },
    });
    expect(await plane.api.get(TYPES.threads, { namespace: "team", name: thread.name })).toMatchObject({ status: { phase: expect.any(String) } });
  });

  test("puts the boundary in front of a labelled pod of somebody else, and of no other", async () => {
    const create = async (name: string, labels: Record<string, string>) => plane.call("POST", "/api/v1/namespaces/team/pods", {
      apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec: { automountServiceAccountToken: false, containers: [{ name: "app", image: "none:1" }] },
    });
    expect((await create("mine", { "weir.dev/inject": "enabled", "weir.dev/agent": "reviewer" })).body).toMatchObject({ spec: { initContainers: [{ name: "weir-init" }, { name: "weir-sidecar" }] } });
    expect((await create("plain", {})).body).not.toHaveProperty("spec.initContainers");
    expect(await create("lost", { "weir.dev/inject": "enabled", "weir.dev/agent": "nobody" })).toMatchObject({ status: 403, body: { message: expect.stringContaining("There is no Agent nobody") } });
  });

  test("answers a caller whom the API server does not know with a refusal", async () => {
    const stranger = createWeirClient({ url: `https://127.0.0.1:${controller.apiPort}`, ca: await caPem(), serverName: "weir.internal", token: "e30.e30.e30" });
    try {
      await expect(stranger.api.GET("/v1/namespaces/{namespace}/threads", { params: { path: { namespace: "team" } } }).then(dataOf)).rejects.toMatchObject({ status: 401 });
    } finally {
      await stranger.close();
    }
  });

  test("hands the lead over when it is stopped", async () => {
    const second = await stand.start("two", { webhook: { listenHost: "localhost", listenPort: 0 } });
    try {
      expect(await leads(second)).toBe(false);
      await client.close();
      await controller.stop();
      await expect.poll(async () => leads(second), { timeout: 10_000 }).toBe(true);
    } finally {
      await second.stop();
    }
  });

  test("says what is missing where the chart is not installed whole", async () => {
    await plane.kubectl(["delete", "service", "weir-proxy", "-n", RELEASE.namespace]);
    const start = stand.start("three", { webhook: { listenHost: "localhost", listenPort: 0 } });
    await expect(start).rejects.toThrow(UserError);
    await expect(start).rejects.toThrow("there is no Service weir-proxy with a cluster address in namespace weir-system");
  });
});
