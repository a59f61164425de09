import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { openKubeApi } from "../../../../common/kube/http-kube-api.ts";
import { accessFromKubeconfig } from "../../../../common/kube/kubeconfig.ts";
import type { KubeApi } from "../../../../common/kube/kube-api.ts";
import { KubernetesSecretSource } from "../../../../proxy/credentials/providers/kubernetes-secret.ts";
import { SourceError, valueOf } from "../../../../proxy/credentials/secret-source.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";

const environment = readEnvironment();
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, PROGRAMS_OF_LEVEL[1]) : await findKubernetes(environment, PROGRAMS_OF_LEVEL[1]);
const NAMESPACE = "team-a";
const never = new AbortController().signal;

describe.skipIf(programs === null)("a Secret of a real API server (npm run verify:cluster builds it)", () => {
  let plane: ControlPlane;
  let api: KubeApi;
  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    await plane.createNamespace(NAMESPACE);
    // As the chart's Role for `proxy.secrets` has it.
    const role = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name: "lent" }, rules: [{ apiGroups: [""], resources: ["secrets"], resourceNames: ["keys", "gone"], verbs: ["get"] }] };
    const binding = {
      apiVersion: role.apiVersion, kind: "RoleBinding", metadata: { name: "lent" }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "lent" },
      subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "node-proxy" }],
    };
    await plane.call("POST", `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}/roles`, role);
    await plane.call("POST", `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}/rolebindings`, binding);
    for (const name of ["keys", "others"]) await write(name, "first");
    api = openKubeApi(await accessFromKubeconfig(plane.adminKubeconfig), { impersonate: { user: "node-proxy", groups: ["system:authenticated"] } });
  });
  afterAll(async () => {
    await api?.close();
    await plane?.stop();
  });

  const write = async (name: string, token: string) => {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData: { token: `${token}\n`, empty: "" }, data: { binary: Buffer.from([0xff, 0xfe]).toString("base64") } };
    const { status } = await plane.call("POST", `/api/v1/namespaces/${NAMESPACE}/secrets`, secret);
    if (status === 409) await plane.call("PUT", `/api/v1/namespaces/${NAMESPACE}/secrets/${name}`, secret);
  };
  const source = (name: string, key = "token", namespace = NAMESPACE) => new KubernetesSecretSource({ type: "kubernetes-secret", namespace, name, key }, api);
  const fault = async (of: KubernetesSecretSource, signal = never) => of.fetch(signal).then(() => { throw new Error("it was read"); }, (error: unknown) => error as SourceError);

  test("is read by the right to read this one, and the new value once it has changed", async () => {
    const before = await source("keys").fetch(never);
    await write("keys", "second");
    const after = await source("keys").fetch(never);
    expect([valueOf(before, "value").reveal(), valueOf(after, "value").reveal()]).toEqual(["first", "second"]);
    expect(after.version).not.toBe(before.version);
  });

  test.each([
    ["another one of the namespace", "others", "token", "forbidden"], ["one that there is not", "gone", "token", "missing"], ["a key that there is not", "keys", "nothing", "missing"],
    ["an empty key", "keys", "empty", "malformed"], ["a key that is no text", "keys", "binary", "malformed"],
  ])("is not read: %s", async (_name, secret, key, expected) => {
    expect((await fault(source(secret, key))).fault).toBe(expected);
  });

  test("of another namespace is not read, and nothing of the API server's answer is told", async () => {
    const error = await fault(source("keys", "token", "kube-system"));
    expect([error.message, error.cause]).toEqual(["forbidden: kubernetes-secret:kube-system/keys: the API server answered 403", undefined]);
  });

  test("is not read by somebody who does not wait", async () => {
    expect(await fault(source("keys"), AbortSignal.abort())).toBeInstanceOf(SourceError);
  });
});
