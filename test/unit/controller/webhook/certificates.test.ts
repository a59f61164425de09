import { X509Certificate } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { KubeError } from "../../../../common/kube/kube-api.ts";
import { silentLog } from "../../../../common/log.ts";
import { ensureBoundaryCa, issueApiCertificate } from "../../../../controller/webhook/boundary-ca.ts";
import { WebhookCertificates } from "../../../../controller/webhook/certificates.ts";
import { webhookConfig } from "../../../../controller/webhook/config.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { TestClock } from "../../../support/test-clock.ts";

const CA = { namespace: "weir", name: "weir-ca" };
const signal = new AbortController().signal;
const config = webhookConfig.parse({});

describe("certificates in Secrets", () => {
  let kube: MemoryKubeApi;
  let clock: TestClock;
  const replica = () => new WebhookCertificates({ kube, namespace: "weir", config, clock, log: silentLog });
  const bundle = async () => {
    const found = await kube.get(TYPES.mutatingWebhooks, { name: "weir-injection" });
    return Buffer.from((found as unknown as { webhooks: { clientConfig: { caBundle?: string } }[] }).webhooks[0]?.clientConfig.caBundle ?? "", "base64").toString("utf8");
  };
  const secretText = async (name: string, key: string) => {
    const found = await kube.get(TYPES.secrets, { namespace: "weir", name });
    return Buffer.from((found?.["data"] as Record<string, string> | undefined)?.[key] ?? "", "base64").toString("utf8");
  };
  beforeEach(async () => {
    kube = new MemoryKubeApi();
    clock = new TestClock();
    await kube.create(TYPES.mutatingWebhooks, { metadata: { name: "weir-injection" }, webhooks: [{ name: "pods.weir.dev", clientConfig: {} }] });
  });

  test("replicas that begin together show the same certificate, and the API server knows its CA", async () => {
    const [one, other] = await Promise.all([replica().refresh(signal), replica().refresh(signal)]);
    expect(one.certPem).toBe(other.certPem);
    expect(new X509Certificate(one.certPem).checkHost("weir-webhook.weir.svc")).toBeDefined();
    expect(new X509Certificate(one.certPem).checkIssued(new X509Certificate(await bundle()))).toBe(true);
  });

  test("a Secret that somebody broke is made anew, and the API server is told", async () => {
    await replica().refresh(signal);
    const before = await bundle();
    const found = await kube.get(TYPES.secrets, { namespace: "weir", name: "weir-webhook" });
    await kube.replace(TYPES.secrets, { ...found, metadata: found?.metadata ?? { name: "" }, data: { "ca.crt": "AAAA" } });
    const { certPem } = await replica().refresh(signal);
    expect(await bundle()).not.toBe(before);
    expect(new X509Certificate(certPem).checkIssued(new X509Certificate(await bundle()))).toBe(true);
  });

  test("without the webhook's configuration there is no certificate: nobody would trust it", async () => {
    await kube.remove(TYPES.mutatingWebhooks, { name: "weir-injection" });
    await expect(replica().refresh(signal)).rejects.toThrow(/no MutatingWebhookConfiguration/);
  });

  test("the boundary's CA is made once, whoever is faster", async () => {
    const [one, other] = await Promise.all([ensureBoundaryCa(kube, CA, clock.nowMs(), signal), ensureBoundaryCa(kube, CA, clock.nowMs(), signal)]);
    expect(one).toEqual(other);
    expect(await secretText("weir-ca", "tls.crt")).toBe(one.certPem);
  });

  test("a boundary CA that cannot be used is told, not replaced", async () => {
    await kube.create(TYPES.secrets, { metadata: CA, data: { "tls.crt": "AAAA", "tls.key": "AAAA" } });
    await expect(ensureBoundaryCa(kube, CA, clock.nowMs(), signal)).rejects.toThrow(/weir-ca holds no CA/);
    expect(kube.requests.filter((request) => request.startsWith("replace"))).toEqual([]);
  });

  test("an API server that refuses to make it is an error", async () => {
    kube.failNext("create secrets", new KubeError(403, "Forbidden", "no"));
    await expect(ensureBoundaryCa(kube, CA, clock.nowMs(), signal)).rejects.toThrow(/no/);
  });

  test("the API's certificate is for weir.internal and the service, signed by the boundary's CA", async () => {
    const ca = await ensureBoundaryCa(kube, CA, clock.nowMs(), signal);
    const leaf = new X509Certificate(issueApiCertificate(ca, ["weir-controller.weir.svc"], { nowMs: clock.nowMs(), lifetimeMs: 86_400_000 }).certPem);
    expect([leaf.checkHost("weir.internal"), leaf.checkHost("weir-controller.weir.svc"), leaf.checkHost("evil.test")]).toEqual(["weir.internal", "weir-controller.weir.svc", undefined]);
    expect(leaf.verify(new X509Certificate(ca.certPem).publicKey)).toBe(true);
  });
});
