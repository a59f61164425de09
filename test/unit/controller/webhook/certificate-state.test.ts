import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { advance, trustedBundle, type CertificateState, type CertificateTerms } from "../../../../controller/webhook/certificate-state.ts";

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2030, 0, 1);
const TERMS: CertificateTerms = { names: ["weir-webhook.weir.svc"], leafLifetimeMs: 90 * DAY_MS, caLifetimeMs: 1_000 * DAY_MS, handoverMs: 3_600_000 };

/** True if a client that trusts exactly this bundle takes the certificate for the name. */
function isTrusted(leafPem: string, bundle: string, atMs: number): boolean {
  const leaf = new X509Certificate(leafPem);
  const authorities = (bundle.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map((pem) => new X509Certificate(pem));
  const isValid = Date.parse(leaf.validFrom) <= atMs && atMs < Date.parse(leaf.validTo);
  return isValid && leaf.checkHost("weir-webhook.weir.svc") !== undefined
    && authorities.some((ca) => Date.parse(ca.validTo) > atMs && leaf.checkIssued(ca) && leaf.verify(ca.publicKey));
}

const begin = () => advance(null, TERMS, "", START_MS);
const published = (state: CertificateState) => trustedBundle(state);

describe("the webhook's certificates", () => {
  test("begin with a CA and a certificate for the service's name", () => {
    const state = begin();
    expect(isTrusted(state.leaf.certPem, trustedBundle(state), START_MS)).toBe(true);
    expect(isTrusted(state.leaf.certPem, trustedBundle(begin()), START_MS)).toBe(false);
    expect(advance(state, TERMS, published(state), START_MS + DAY_MS)).toBe(state);
  });

  test("get a new leaf of the same CA when a third of its time is left, and at once when the name changes", () => {
    const state = begin();
    expect(advance(state, TERMS, "", START_MS + 59 * DAY_MS)).toBe(state);
    const renewed = advance(state, TERMS, "", START_MS + 61 * DAY_MS);
    expect(renewed).toMatchObject({ ca: state.ca, nextCa: null });
    expect(renewed.leaf.certPem).not.toBe(state.leaf.certPem);
    expect(advance(state, { ...TERMS, names: ["other.weir.svc"] }, "", START_MS).leaf.certPem).not.toBe(state.leaf.certPem);
  });

  test("are not renewed again and again while the CA itself ends soon", () => {
    const state = advance(null, { ...TERMS, caLifetimeMs: 10 * DAY_MS }, "", START_MS);
    expect(advance({ ...state, nextCa: { ...state.ca, sinceMs: START_MS } }, TERMS, "", START_MS + DAY_MS)).toMatchObject({ leaf: state.leaf });
  });

  test("let a new CA sign only after it has been published, and for long enough", () => {
    const late = START_MS + 801 * DAY_MS;
    const announced = advance(begin(), TERMS, "", late);
    expect(announced).toMatchObject({ nextCa: { sinceMs: late }, oldCa: null });
    const readyMs = late + TERMS.handoverMs;
    expect(advance(announced, TERMS, published(announced), readyMs - 1).ca).toBe(announced.ca);
    expect(advance(announced, TERMS, announced.ca.certPem, readyMs).ca).toBe(announced.ca);
    const switched = advance(announced, TERMS, published(announced), readyMs);
    expect(switched.ca.certPem).toBe(announced.nextCa?.certPem);
    expect(switched.oldCa).toEqual({ certPem: announced.ca.certPem, untilMs: readyMs + TERMS.leafLifetimeMs });
    expect(advance(switched, TERMS, published(switched), readyMs + TERMS.leafLifetimeMs).oldCa).toBeNull();
  });

  test("start anew when everything has expired", () => {
    const state = begin();
    const fresh = advance(state, TERMS, "", START_MS + 2_000 * DAY_MS);
    expect(fresh.ca.certPem).not.toBe(state.ca.certPem);
    expect(isTrusted(fresh.leaf.certPem, trustedBundle(fresh), START_MS + 2_000 * DAY_MS)).toBe(true);
  });

  test("over ten years, no replica ever shows a certificate that the API server would not take", () => {
    let state = begin();
    // Another replica is a step behind with reading.
    let behind = state;
    let known = trustedBundle(state);
    let renewals = 0;
    for (let nowMs = START_MS; nowMs < START_MS + 3_650 * DAY_MS; nowMs += 10 * DAY_MS) {
      for (;;) {
        const next = advance(state, TERMS, known, nowMs);
        if (next === state) break;
        renewals += next.ca === state.ca ? 0 : 1;
        state = next;
        known = trustedBundle(state);
      }
      expect([isTrusted(state.leaf.certPem, known, nowMs), isTrusted(behind.leaf.certPem, known, nowMs)]).toEqual([true, true]);
      behind = state;
    }
    expect(renewals).toBeGreaterThan(3);
  });
});
