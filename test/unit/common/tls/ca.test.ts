import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { issueServerCertificate, newPrivateKey, readSigningCa, selfSignedCa } from "../../../../common/tls/ca.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 5, 1);
const YEAR = { nowMs: NOW, lifetimeMs: 365 * DAY_MS };

function aCa(label = "Weir", validity = YEAR) {
  const keyPem = newPrivateKey();
  return { keyPem, certPem: selfSignedCa(label, keyPem, validity) };
}

describe("a CA of one's own", () => {
  test("is told apart from others of the same label by its key, and is valid from yesterday on", () => {
    const [one, two] = [new X509Certificate(aCa().certPem), new X509Certificate(aCa().certPem)];
    expect(one.subject).toMatch(/^CN=Weir [0-9a-f]{8}$/);
    expect(one.subject).not.toBe(two.subject);
    expect([one.validFromDate, one.validToDate]).toEqual([new Date(NOW - DAY_MS), new Date(NOW + YEAR.lifetimeMs)]);
    expect(one.ca && one.verify(one.publicKey)).toBe(true);
  });

  test("signs for a server's names, with a key of the server's own", () => {
    const pair = aCa();
    const ca = readSigningCa(pair, NOW);
    const issued = issueServerCertificate(["weir.internal", "weir.weir-system.svc"], ca, { nowMs: NOW, lifetimeMs: DAY_MS });
    const leaf = new X509Certificate(issued.certPem);
    expect(leaf.checkIssued(new X509Certificate(pair.certPem)) && leaf.verify(new X509Certificate(pair.certPem).publicKey)).toBe(true);
    expect(leaf.subjectAltName).toBe("DNS:weir.internal, DNS:weir.weir-system.svc");
    expect(leaf.validToDate).toEqual(new Date(NOW + DAY_MS));
    expect(issued.keyPem).not.toBe(pair.keyPem);
    expect(leaf.ca).toBe(false);
  });

  test("signs nothing that outlives it", () => {
    const ca = readSigningCa(aCa(), NOW);
    const issued = issueServerCertificate(["weir.internal"], ca, { nowMs: NOW + 364 * DAY_MS, lifetimeMs: 30 * DAY_MS });
    expect(new X509Certificate(issued.certPem).validToDate).toEqual(new Date(ca.notAfterMs));
  });

  test.each<[string, () => { certPem: string; keyPem: string }, number, RegExp]>([
    ["with another's key", () => ({ ...aCa(), keyPem: newPrivateKey() }), NOW, /the key is another certificate's/],
    ["that has expired", () => aCa(), NOW + 366 * DAY_MS, /it expired/],
    ["that is a server's certificate", () => issueServerCertificate(["a.test"], readSigningCa(aCa(), NOW), YEAR), NOW, /no CA certificate/],
    ["that is no certificate", () => ({ ...aCa(), certPem: "none" }), NOW, /./],
  ])("is not read from a pair %s", (_what, pair, nowMs, why) => {
    expect(() => readSigningCa(pair(), nowMs)).toThrow(why);
    expect(readSigningCa(aCa(), NOW).notAfterMs).toBe(NOW + YEAR.lifetimeMs);
  });
});
