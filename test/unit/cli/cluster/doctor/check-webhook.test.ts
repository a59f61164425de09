import { beforeEach, describe, expect, test } from "vitest";
import { injectionCheck, webhookCheck } from "../../../../../cli/cluster/doctor/check-webhook.ts";
import { KubeError } from "../../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../../common/kube/resource-types.ts";
import { issueServerCertificate, newPrivateKey, readSigningCa, selfSignedCa } from "../../../../../common/tls/ca.ts";
import { anInstalledCluster, type InstalledCluster } from "../../../../support/installed-cluster.ts";

const HOUR_MS = 3_600_000;
const base64 = (text: string) => Buffer.from(text).toString("base64");

function aCa(nowMs = Date.now()) {
  const keyPem = newPrivateKey();
  const pair = { certPem: selfSignedCa("test", keyPem, { nowMs, lifetimeMs: HOUR_MS }), keyPem };
  return { ca: pair.certPem, leaf: issueServerCertificate(["weir-webhook.weir-system.svc"], readSigningCa(pair, nowMs), { nowMs, lifetimeMs: HOUR_MS }).certPem };
}

describe("the webhook", () => {
  let cluster: InstalledCluster;
  const { ca, leaf } = aCa();
  const configure = async (caBundle: string, failurePolicy = "Fail") => cluster.add(TYPES.mutatingWebhooks, "weir-injection", { webhooks: [{ name: "pods.weir.dev", failurePolicy, clientConfig: { caBundle } }] });
  const show = async (certificate: string) => cluster.add(TYPES.secrets, "weir-webhook", { data: { "tls.crt": base64(certificate) } }, "weir-system");
  const said = async () => (await cluster.said(webhookCheck))[0];
  beforeEach(async () => { cluster = await anInstalledCluster(); });

  test("fits, if its certificate is of the CA that the API server was told", async () => {
    await configure(base64(`${aCa().ca}${ca}`));
    await show(leaf);
    expect(await said()).toMatchObject({ state: "ok", detail: expect.stringContaining("its certificate fits the CA") });
  });

  test("does not, if that is another CA, or there is no certificate", async () => {
    await configure(base64(aCa().ca));
    expect(await said()).toMatchObject({ state: "fail", detail: "there is no Secret weir-system/weir-webhook with its certificate" });
    await show(leaf);
    expect(await said()).toMatchObject({ state: "fail", detail: "its certificate is not of the CA that the API server was told" });
  });

  test.each([["", "the API server was told no CA for it"], [base64("no certificate"), "told no CA"], [base64(aCa(Date.now() - 3 * HOUR_MS).ca), "its CA has expired"]])("does not with the CA %#", async (bundle, detail) => {
    await configure(bundle);
    expect(await said()).toMatchObject({ state: "fail", detail: expect.stringContaining(detail) });
  });

  test("is trusted as far as one may see, where Secrets may not be read", async () => {
    await configure(base64(ca));
    cluster.api.failNext("get secrets", new KubeError(403, "Forbidden", "may not"));
    expect(await said()).toMatchObject({ state: "ok", detail: expect.stringContaining("only whoever reads the Secret") });
  });

  test("that does not fail closed is broken, as is one that is not there", async () => {
    expect(await said()).toMatchObject({ state: "fail", detail: expect.stringContaining("no MutatingWebhookConfiguration") });
    await configure(base64(ca), "Ignore");
    expect(await said()).toMatchObject({ state: "fail", detail: expect.stringContaining("without the boundary when no controller answers") });
  });
});

describe("the injection", () => {
  const PODS = "/api/v1/namespaces/team/pods?dryRun=All";
  let cluster: InstalledCluster;
  const answer = (reply: () => unknown) => { cluster.api.answers.set(PODS, reply); };
  const refuse = (status: number, message: string) => { answer(() => { throw new KubeError(status, "", message); }); };
  const said = async () => (await cluster.said(injectionCheck))[0];
  beforeEach(async () => { cluster = await anInstalledCluster(); });

  test("is tried by a dry run as an Agent of the namespace", async () => {
    await cluster.add(TYPES.agents, "reviewer", { spec: {} });
    let labels: unknown;
    cluster.api.answers.set(PODS, (body) => {
      labels = (body as { metadata: { labels: unknown } }).metadata.labels;
      return { spec: { initContainers: [{ name: "weir-init" }] } };
    });
    expect(await said()).toEqual({ name: "injection in team", state: "ok", detail: "a pod that asks for the boundary gets it", fix: "" });
    expect(labels).toEqual({ "weir.dev/inject": "enabled", "weir.dev/agent": "reviewer" });
  });

  test("is broken if the pod comes back as it was, or the webhook is not reached, or Pod Security refuses it", async () => {
    answer(() => ({ spec: {} }));
    expect(await said()).toMatchObject({ state: "fail", detail: "a pod that asks for the boundary comes up without it" });
    refuse(500, 'failed calling webhook "pods.weir.dev": deadline');
    expect(await said()).toMatchObject({ state: "fail", fix: expect.stringContaining("cannot reach the webhook") });
    refuse(403, 'pods "weir-doctor" is forbidden: violates PodSecurity "baseline:latest"');
    expect(await said()).toMatchObject({ state: "fail", fix: expect.stringContaining("enforce=privileged") });
  });

  test("is shown by the webhook's own words where there is no Agent to be, and a denial for an Agent is broken", async () => {
    refuse(403, 'admission webhook "pods.weir.dev" denied the request: needs the label weir.dev/agent');
    expect(await said()).toMatchObject({ state: "ok" });
    await cluster.add(TYPES.agents, "reviewer", { spec: {} });
    expect(await said()).toMatchObject({ state: "fail" });
  });

  test("is not tried by those who may not create pods, or where no namespace is for agents", async () => {
    refuse(403, 'pods is forbidden: User "bob" cannot create resource "pods"');
    expect(await said()).toMatchObject({ state: "warn" });
    await cluster.api.remove(TYPES.namespaces, { name: "team" });
    expect(await said()).toMatchObject({ name: "injection", state: "warn", detail: expect.stringContaining("no namespace for agents") });
  });
});
