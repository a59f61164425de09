import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../common/config.ts";
import { findKubernetes, obtainKubernetes } from "../../../tools/kubernetes.ts";
import { callKube } from "../../support/kube/cluster-connection.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../support/kube/control-plane.ts";

const environment = readEnvironment();
/** `verify:cluster` builds the programs and fails without them; `verify` uses those that are there. */
const isRequired = environment["WEIR_TIER"] === "cluster";
const programs = isRequired ? await obtainKubernetes(environment, () => {}, PROGRAMS_OF_LEVEL[2]) : await findKubernetes(environment, PROGRAMS_OF_LEVEL[2]);

const POLL = { timeout: 30_000, interval: 100 };
const POD = { apiVersion: "v1", kind: "Pod", spec: { containers: [{ name: "app", image: "none" }] } };

describe.skipIf(programs === null)("the control plane of the tests, level 1 (npm run verify:cluster builds it)", () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    await plane.createNamespace("team-a");
  });
  afterAll(async () => { await plane?.stop(); });

  test("says the version that is pinned", async () => {
    expect((await plane.call("GET", "/version")).body["gitVersion"]).toBe("v1.36.3");
    expect(await plane.kubectl(["get", "namespace", "team-a", "-o", "name"])).toBe("namespace/team-a\n");
  });

  test("knows users by their certificates, and lets them do what RBAC says and nothing else", async () => {
    await plane.kubectl(["create", "role", "see", "--verb=get,list", "--resource=pods", "-n", "team-a"]);
    await plane.kubectl(["create", "rolebinding", "see", "--role=see", "--user=alice", "-n", "team-a"]);
    const alice = await plane.identity("alice");
    await expect.poll(async () => (await callKube(alice, "GET", "/api/v1/namespaces/team-a/pods")).status, POLL).toBe(200);
    expect((await callKube(alice, "GET", "/api/v1/namespaces/default/pods")).status).toBe(403);
    expect((await callKube(alice, "GET", "/api/v1/namespaces/team-a/secrets")).status).toBe(403);
  });

  test("issues tokens that name audience and pod, and reviews them only for that audience", async () => {
    const { body } = await plane.call("POST", "/api/v1/namespaces/team-a/pods", { ...POD, metadata: { name: "bound" } });
    const { uid } = body["metadata"] as { uid: string };
    const token = await plane.tokenFor("team-a/default", { audience: "weir-proxy", seconds: 600, pod: { name: "bound", uid } });
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
    expect(claims).toMatchObject({ aud: ["weir-proxy"], iss: plane.issuer, "kubernetes.io": { namespace: "team-a", pod: { name: "bound", uid }, serviceaccount: { name: "default" } } });
    const review = async (audience: string) => {
      const answer = await plane.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews",
        { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token, audiences: [audience] } });
      return (answer.body["status"] as { authenticated?: boolean }).authenticated === true;
    };
    expect([await review("weir-proxy"), await review("other")]).toEqual([true, false]);
  });

  test("enforces admission policies", async () => {
    const names = { apiVersion: "admissionregistration.k8s.io/v1", metadata: { name: "no-forbidden" } };
    const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] };
    const policy = { ...names, kind: "ValidatingAdmissionPolicy", spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: "object.metadata.name != 'forbidden'", message: "not that name" }] } };
    const binding = { ...names, kind: "ValidatingAdmissionPolicyBinding", spec: { policyName: "no-forbidden", validationActions: ["Deny"] } };
    await plane.kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: [policy, binding] }));
    const attempt = async (name: string) => (await plane.call("POST", "/api/v1/namespaces/team-a/configmaps?dryRun=All", { apiVersion: "v1", kind: "ConfigMap", metadata: { name } })).status;
    await expect.poll(async () => attempt("forbidden"), POLL).toBe(422);
    expect(await attempt("allowed")).toBe(201);
  });

  test("comes back at the same address with the same objects after it was killed", async () => {
    await plane.killApiServer();
    await expect(plane.call("GET", "/version")).rejects.toThrow("ECONNREFUSED");
    await plane.startApiServer();
    expect((await plane.call("GET", "/api/v1/namespaces/team-a")).status).toBe(200);
  });
});

describe.skipIf(programs === null)("the control plane of the tests, level 2 (npm run verify:cluster builds it)", () => {
  let plane: ControlPlane;
  beforeAll(async () => { plane = await startControlPlane({ level: 2, nodes: 2 }); });
  afterAll(async () => { await plane?.stop(); });

  test("schedules pods, runs them, and collects them with their owner", async () => {
    await plane.createNamespace("team-a");
    await plane.kubectl(["create", "deployment", "web", "--image=none", "--replicas=4", "-n", "team-a"]);
    const pods = async () => {
      const { body } = await plane.call("GET", "/api/v1/namespaces/team-a/pods");
      return (body["items"] as { spec: { nodeName?: string }; status: { phase: string; podIP?: string } }[]);
    };
    await expect.poll(async () => (await pods()).filter(({ status }) => status.phase === "Running" && status.podIP !== undefined).length, POLL).toBe(4);
    expect(new Set((await pods()).map(({ spec }) => spec.nodeName))).toEqual(new Set(["fake-0", "fake-1"]));
    await plane.call("DELETE", "/apis/apps/v1/namespaces/team-a/deployments/web");
    await expect.poll(async () => (await pods()).length, POLL).toBe(0);
  });
});
