import { X509Certificate } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { KubeError } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { newPrivateKey, selfSignedCa } from "../../../../common/tls/ca.ts";
import { ensureBoundaryCa, issueApiCertificate } from "../../../../controller/webhook/boundary-ca.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";

const REF = { namespace: "weir", name: "weir-ca" };
const NOW_MS = Date.UTC(2026, 0, 1);
const YEAR_MS = 365 * 86_400_000;
const signal = new AbortController().signal;
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("the boundary's CA", () => {
  let kube: MemoryKubeApi;
  const ensure = async (nowMs = NOW_MS) => ensureBoundaryCa(kube, REF, nowMs, signal);
  const put = async (data: object) => kube.create(TYPES.secrets, { metadata: REF, data });
  beforeEach(() => { kube = new MemoryKubeApi(); });

  test("is made once, and is the same from then on", async () => {
    const made = await ensure();
    expect(new X509Certificate(made.certPem).ca).toBe(true);
    expect(await ensure(NOW_MS + YEAR_MS)).toEqual(made);
    expect(kube.requests.filter((request) => request.startsWith("create"))).toHaveLength(1);
  });

  test("is one, however many make it at once", async () => {
    const all = await Promise.all(Array.from({ length: 5 }, async () => ensure()));
    expect(new Set(all.map(({ certPem }) => certPem)).size).toBe(1);
    expect(kube.requests.filter((request) => request.startsWith("create")).length).toBeGreaterThan(1);
  });

  test("may be the operator's own", async () => {
    const keyPem = newPrivateKey();
    const certPem = selfSignedCa("Ours", keyPem, { nowMs: NOW_MS, lifetimeMs: YEAR_MS });
    await put({ "tls.crt": base64(certPem), "tls.key": base64(keyPem) });
    expect(await ensure()).toEqual({ certPem, keyPem });
  });

  test.each<[string, () => object]>([
    ["a key of another", () => ({ "tls.crt": base64(selfSignedCa("A", newPrivateKey(), { nowMs: NOW_MS, lifetimeMs: YEAR_MS })), "tls.key": base64(newPrivateKey()) })],
    ["no certificate", () => ({ "tls.crt": base64("text"), "tls.key": base64(newPrivateKey()) })],
    ["nothing", () => ({})],
  ])("is never replaced, even if the Secret holds %s: pods that run trust the old one", async (_name, data) => {
    await put(data());
    await expect(ensure()).rejects.toThrow(/holds no CA|invalid/i);
    expect((await kube.get(TYPES.secrets, REF))?.metadata.resourceVersion).toBe("101");
  });

  test("that has expired is no CA any more, and says so", async () => {
    await ensure();
    await expect(ensure(NOW_MS + 11 * YEAR_MS)).rejects.toThrow(/Secret weir-ca holds no CA that could be used/);
  });

  test("is not made where the API server does not let us", async () => {
    kube.failNext("create secrets", new KubeError(403, "Forbidden", "no"));
    await expect(ensure()).rejects.toMatchObject({ status: 403 });
  });

  test("signs the certificate of the API: for the name that agents use, and for the service's", async () => {
    const ca = await ensure();
    const certificate = new X509Certificate(issueApiCertificate(ca, ["weir-controller.weir.svc"], { nowMs: NOW_MS, lifetimeMs: YEAR_MS }).certPem);
    expect(certificate.checkIssued(new X509Certificate(ca.certPem))).toBe(true);
    expect([certificate.checkHost("weir.internal"), certificate.checkHost("weir-controller.weir.svc"), certificate.checkHost("other.test")]).toEqual(["weir.internal", "weir-controller.weir.svc", undefined]);
  });
});
