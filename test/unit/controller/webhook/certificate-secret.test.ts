import { beforeEach, describe, expect, test } from "vitest";
import { KubeError } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { newPrivateKey, selfSignedCa } from "../../../../common/tls/ca.ts";
import { readCertificates, writeCertificates } from "../../../../controller/webhook/certificate-secret.ts";
import { advance, type CertificateState } from "../../../../controller/webhook/certificate-state.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";

const REF = { namespace: "weir", name: "weir-webhook" };
const NOW_MS = Date.UTC(2026, 0, 1);
const TERMS = { names: ["weir-webhook.weir.svc"], leafLifetimeMs: 90 * 86_400_000, caLifetimeMs: 900 * 86_400_000, handoverMs: 60_000 };
const signal = new AbortController().signal;
const fresh = (): CertificateState => advance(null, TERMS, "", NOW_MS);

describe("the webhook's certificates in a Secret", () => {
  let kube: MemoryKubeApi;
  const read = async () => readCertificates(kube, REF, signal);
  const write = async (state: CertificateState, before: Awaited<ReturnType<typeof read>> = null) => writeCertificates(kube, REF, { before, state }, signal);
  beforeEach(() => { kube = new MemoryKubeApi(); });

  test("come back as they were written, in every state of a handover", async () => {
    expect(await read()).toBeNull();
    const keyPem = newPrivateKey();
    const nextCa = { keyPem, certPem: selfSignedCa("next", keyPem, { nowMs: NOW_MS, lifetimeMs: 86_400_000 }), sinceMs: NOW_MS };
    const oldCa = { certPem: selfSignedCa("old", newPrivateKey(), { nowMs: NOW_MS, lifetimeMs: 86_400_000 }), untilMs: NOW_MS + 1_000 };
    for (const state of [fresh(), { ...fresh(), nextCa }, { ...fresh(), oldCa }, { ...fresh(), nextCa, oldCa }]) {
      expect(await write(state, await read())).toBe(true);
      expect((await read())?.state).toEqual(state);
    }
  });

  test("are written by one of two replicas; the other is told to read again", async () => {
    const mine = fresh();
    expect(await write(mine)).toBe(true);
    expect(await write(fresh())).toBe(false);
    const seen = await read();
    expect(await write(fresh(), seen)).toBe(true);
    expect(await write(fresh(), seen)).toBe(false);
    expect((await read())?.state).not.toEqual(mine);
  });

  test("that were deleted meanwhile are not brought back by what was read before", async () => {
    await write(fresh());
    const seen = await read();
    await kube.remove(TYPES.secrets, REF);
    expect(await write(fresh(), seen)).toBe(false);
  });

  test("that the API server does not let us write are an error, not another replica's", async () => {
    kube.failNext("create secrets", new KubeError(403, "Forbidden", "no"));
    await expect(write(fresh())).rejects.toMatchObject({ status: 403 });
  });

  test.each<[string, (data: Record<string, string>) => unknown]>([
    ["nothing", () => ({})], ["no data at all", () => undefined], ["a field less", ({ "tls.key": _, ...rest }) => rest],
    ["a CA that cannot sign", (data) => ({ ...data, "ca.key": Buffer.from(newPrivateKey()).toString("base64") })],
    ["text instead of a certificate", (data) => ({ ...data, "ca.crt": "eA==" })], ["a date that is none", (data) => ({ ...data, "next-ca-since": "eA==" })],
  ])("that somebody broke (%s) are unusable, and are written anew over what is there", async (_name, broken) => {
    await write(fresh());
    const object = (await read())?.object;
    await kube.replace(TYPES.secrets, { ...object, metadata: object!.metadata, data: broken(object?.["data"] as Record<string, string>) });
    const seen = await read();
    expect(seen?.state).toBeNull();
    expect(await write(fresh(), seen)).toBe(true);
    expect((await read())?.state).not.toBeNull();
  });
});
