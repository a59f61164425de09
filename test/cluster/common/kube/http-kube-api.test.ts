import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { openKubeApi } from "../../../../common/kube/http-kube-api.ts";
import { tokenFileAccess } from "../../../../common/kube/kube-access.ts";
import type { KubeApi } from "../../../../common/kube/kube-api.ts";
import { accessFromKubeconfig } from "../../../../common/kube/kubeconfig.ts";
import { requestToken, subjectAccessReview, tokenReview } from "../../../../common/kube/reviews.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { labelSelector } from "../../../../common/kube/selectors.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";

const environment = readEnvironment();
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, PROGRAMS_OF_LEVEL[1]) : await findKubernetes(environment, PROGRAMS_OF_LEVEL[1]);

const HOME = "client";
const at = (name: string) => ({ namespace: HOME, name });

describe.skipIf(programs === null)("the client on a real API server (npm run verify:cluster builds it)", () => {
  let plane: ControlPlane;
  let api: KubeApi;
  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    api = openKubeApi(await accessFromKubeconfig(plane.adminKubeconfig));
    await plane.createNamespace(HOME);
  });
  afterAll(async () => {
    await api?.close();
    await plane?.stop();
  });

  test("makes, reads, changes and removes an object", async () => {
    const made = await api.create(TYPES.configMaps, { metadata: at("life"), data: { a: "1" } });
    expect(await api.get(TYPES.configMaps, at("life"))).toMatchObject({ kind: "ConfigMap", data: { a: "1" } });
    await expect(api.create(TYPES.configMaps, { metadata: at("life") })).rejects.toMatchObject({ status: 409, reason: "AlreadyExists" });
    const changed = await api.replace(TYPES.configMaps, { ...made, data: { a: "2" } });
    await expect(api.replace(TYPES.configMaps, { ...made, data: { a: "3" } })).rejects.toMatchObject({ status: 409, reason: "Conflict" });
    await expect(api.remove(TYPES.configMaps, at("life"), { uid: "00000000-0000-0000-0000-000000000000" })).rejects.toMatchObject({ status: 409 });
    expect(await api.remove(TYPES.configMaps, at("life"), { uid: changed.metadata.uid!, propagation: "Background" })).toBe(true);
    expect([await api.remove(TYPES.configMaps, at("life")), await api.get(TYPES.configMaps, at("life"))]).toEqual([false, null]);
  });

  test("applies: a field of another manager is a conflict, and is taken by force", async () => {
    const applied = { metadata: at("shared"), data: { a: "ours" } };
    await api.apply(TYPES.configMaps, applied, { fieldManager: "one", force: false });
    await api.apply(TYPES.configMaps, applied, { fieldManager: "one", force: false });
    await expect(api.apply(TYPES.configMaps, { metadata: at("shared"), data: { a: "theirs" } }, { fieldManager: "two", force: false })).rejects.toMatchObject({ status: 409, reason: "Conflict" });
    await api.apply(TYPES.configMaps, { metadata: at("shared"), data: { b: "beside" } }, { fieldManager: "two", force: false });
    expect((await api.apply(TYPES.configMaps, { metadata: at("shared"), data: { a: "theirs", b: "beside" } }, { fieldManager: "two", force: true }))["data"]).toEqual({ a: "theirs", b: "beside" });
    await expect(api.apply(TYPES.configMaps, applied, { fieldManager: "one", force: false })).rejects.toMatchObject({ status: 409 });
  });

  test("writes a status apart from the rest", async () => {
    const pod = await api.create(TYPES.pods, { metadata: at("status"), spec: { containers: [{ name: "app", image: "none" }] } });
    await api.replace(TYPES.pods, { ...pod, status: { phase: "Running" } }, { subresource: "status" });
    const applied = await api.apply(TYPES.pods, { metadata: at("status"), status: { message: "of the test" } }, { fieldManager: "weir", force: true, subresource: "status" });
    expect(applied["status"]).toMatchObject({ phase: "Running", message: "of the test" });
  });

  test("reads long lists page by page, by selectors", async () => {
    await Promise.all(Array.from({ length: 1_100 }, async (_each, index) => api.create(TYPES.configMaps, { metadata: { ...at(`page-${index}`), labels: { page: String(index % 2) } } })));
    const all = await api.list(TYPES.configMaps, { namespace: HOME, labelSelector: labelSelector({ page: true }) });
    expect(new Set(all.items.map(({ metadata }) => metadata.name)).size).toBe(1_100);
    expect((await api.list(TYPES.configMaps, { namespace: HOME, labelSelector: labelSelector({ page: ["1"] }) })).items).toHaveLength(550);
    expect((await api.list(TYPES.configMaps, { fieldSelector: "metadata.name=page-7" })).items).toHaveLength(1);
  });

  test("watches from where a list ended", async () => {
    const { resourceVersion } = await api.list(TYPES.secrets, { namespace: HOME });
    const seen: string[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const event of api.watch(TYPES.secrets, { namespace: HOME }, resourceVersion, stop.signal)) {
        seen.push(event.type === "BOOKMARK" ? event.type : `${event.type} ${event.object.metadata.name}`);
      }
    })();
    const made = await api.create(TYPES.secrets, { metadata: at("watched") });
    await api.replace(TYPES.secrets, { ...made, stringData: { a: "b" } });
    await api.remove(TYPES.secrets, at("watched"));
    await expect.poll(() => seen.filter((event) => event !== "BOOKMARK")).toEqual(["ADDED watched", "MODIFIED watched", "DELETED watched"]);
    stop.abort(new Error("enough"));
    await expect(watching).rejects.toThrow("enough");
  });

  test("is told that a version is too old", async () => {
    await plane.restartApiServer();
    const watching = api.watch(TYPES.configMaps, { namespace: HOME }, "2", new AbortController().signal)[Symbol.asyncIterator]().next();
    await expect(watching).rejects.toMatchObject({ status: 410, reason: "Expired" });
  });

  test("has tokens issued and reviewed; that of a deleted pod is worth nothing", async () => {
    const pod = await api.create(TYPES.pods, { metadata: at("bound"), spec: { containers: [{ name: "app", image: "none" }] } });
    const { token, expiresAtMs } = await requestToken(api, at("default"), { audience: "weir-proxy", seconds: 600, pod: { name: "bound", uid: pod.metadata.uid! } });
    expect(Math.abs(expiresAtMs - Date.now() - 600_000)).toBeLessThan(60_000);
    expect(await tokenReview(api, token.reveal(), ["weir-proxy"])).toMatchObject({
      isAuthentic: true, user: { username: "system:serviceaccount:client:default", extra: { "authentication.kubernetes.io/pod-uid": [pod.metadata.uid] } },
    });
    expect((await tokenReview(api, token.reveal(), ["weir-controller"])).isAuthentic).toBe(false);
    expect((await tokenReview(api, `${token.reveal().slice(0, -4)}AAAA`, ["weir-proxy"])).isAuthentic).toBe(false);
    await api.remove(TYPES.pods, at("bound"), { gracePeriodSeconds: 0 });
    await expect.poll(async () => (await tokenReview(api, token.reveal(), ["weir-proxy"])).isAuthentic, { timeout: 60_000, interval: 500 }).toBe(false);
  });

  test("speaks as a service account by its token file, and may do what that account may", async () => {
    const { token } = await requestToken(api, at("default"), { audience: plane.issuer, seconds: 600 });
    const files = { tokenFile: join(plane.folder, "account-token"), caFile: join(plane.folder, "account-ca") };
    await writeFile(files.tokenFile, token.reveal());
    await writeFile(files.caFile, plane.caPem);
    const account = openKubeApi(tokenFileAccess(plane.url, files));
    try {
      await expect(account.list(TYPES.pods, { namespace: HOME })).rejects.toMatchObject({ status: 403, reason: "Forbidden" });
      await plane.kubectl(["create", "role", "see", "--verb=list", "--resource=pods", "-n", HOME]);
      await plane.kubectl(["create", "rolebinding", "see", "--role=see", `--serviceaccount=${HOME}:default`, "-n", HOME]);
      await expect.poll(async () => account.list(TYPES.pods, { namespace: HOME }).then(() => "listed", () => "refused")).toBe("listed");
      const question = (verb: string) => ({ user: { username: `system:serviceaccount:${HOME}:default` }, resource: { verb, group: "", resource: "pods", namespace: HOME } });
      expect([await subjectAccessReview(api, question("list")), (await subjectAccessReview(api, question("delete"))).isAllowed]).toEqual([{ isAllowed: true }, false]);
    } finally {
      await account.close();
    }
  });

  test("acts as somebody else, with no more rights than theirs", async () => {
    const other = openKubeApi(await accessFromKubeconfig(plane.adminKubeconfig), { impersonate: { user: "nobody-in-particular", groups: ["system:authenticated"] } });
    await expect(other.list(TYPES.secrets, {})).rejects.toMatchObject({ status: 403, message: expect.stringContaining("nobody-in-particular") as string });
    await other.close();
  });
});
