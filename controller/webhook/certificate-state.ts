import { X509Certificate } from "node:crypto";
import { issueServerCertificate, newPrivateKey, readSigningCa, selfSignedCa, type PemPair } from "../../common/tls/ca.ts";

/** Everything about the webhook's certificate that its replicas share. */
export interface CertificateState {
  /** What signs now. */
  readonly ca: PemPair;
  /** What will sign when the API server has known it for long enough. */
  readonly nextCa: (PemPair & { readonly sinceMs: number }) | null;
  /** What signed before, for replicas that still show its certificate; trusted until the last such certificate has expired. */
  readonly oldCa: { readonly certPem: string; readonly untilMs: number } | null;
  readonly leaf: PemPair;
}

export interface CertificateTerms {
  /** DNS names of the webhook. */
  readonly names: readonly string[];
  readonly leafLifetimeMs: number;
  readonly caLifetimeMs: number;
  readonly handoverMs: number;
}

const LEAF_RENEWED_AT = 1 / 3;
const CA_RENEWED_AT = 1 / 5;
const CA_LABEL = "Weir webhook CA";

/** The CA certificates by which the API server must know the webhook, now and after the next step. */
export function trustedBundle({ ca, nextCa, oldCa }: CertificateState): string {
  return [ca.certPem, nextCa?.certPem, oldCa?.certPem].filter((pem) => pem !== undefined).join("");
}

/**
 * The next step of renewal, if one is due; else the same object. Each step leaves a state in which every certificate that some
 * replica may still show is signed by a CA that the API server has been told before.
 * @param published what the API server trusts at this moment, PEM: a CA that is not in there does not begin to sign
 */
export function advance(state: CertificateState | null, terms: CertificateTerms, published: string, nowMs: number): CertificateState {
  // Nobody trusts a CA that has expired: there is nothing left to hand over from.
  if (state === null || remaining(state.ca.certPem, nowMs) <= 0) return begin(terms, nowMs);
  const { ca, nextCa, oldCa } = state;
  if (oldCa !== null && oldCa.untilMs <= nowMs) return { ...state, oldCa: null };
  if (nextCa !== null && nextCa.sinceMs + terms.handoverMs <= nowMs && includes(published, nextCa.certPem)) {
    const signing = { certPem: nextCa.certPem, keyPem: nextCa.keyPem };
    return { ca: signing, nextCa: null, oldCa: { certPem: ca.certPem, untilMs: nowMs + terms.leafLifetimeMs }, leaf: issue(signing, terms, nowMs) };
  }
  const isOld = remaining(ca.certPem, nowMs) < terms.caLifetimeMs * CA_RENEWED_AT;
  if (nextCa === null && isOld) return { ...state, nextCa: { ...newCa(terms, nowMs), sinceMs: nowMs } };
  // A certificate does not outlive its CA: a new one would not last longer than that.
  const fullMs = Math.min(terms.leafLifetimeMs, remaining(ca.certPem, nowMs));
  const isLeafFit = remaining(state.leaf.certPem, nowMs) >= fullMs * LEAF_RENEWED_AT && isFor(state.leaf.certPem, terms.names);
  return isLeafFit ? state : { ...state, leaf: issue(ca, terms, nowMs) };
}

function begin(terms: CertificateTerms, nowMs: number): CertificateState {
  const ca = newCa(terms, nowMs);
  return { ca, nextCa: null, oldCa: null, leaf: issue(ca, terms, nowMs) };
}

function newCa({ caLifetimeMs }: CertificateTerms, nowMs: number): PemPair {
  const keyPem = newPrivateKey();
  return { certPem: selfSignedCa(CA_LABEL, keyPem, { nowMs, lifetimeMs: caLifetimeMs }), keyPem };
}

function issue(ca: PemPair, { names, leafLifetimeMs }: CertificateTerms, nowMs: number): PemPair {
  return issueServerCertificate(names, readSigningCa(ca, nowMs), { nowMs, lifetimeMs: leafLifetimeMs });
}

function remaining(certPem: string, nowMs: number): number {
  return Date.parse(new X509Certificate(certPem).validTo) - nowMs;
}

function isFor(certPem: string, names: readonly string[]): boolean {
  const certificate = new X509Certificate(certPem);
  return names.every((name) => certificate.checkHost(name) !== undefined);
}

/** White space apart, as whoever copies a bundle leaves it. */
function includes(bundle: string, certPem: string): boolean {
  return bundle.replaceAll(/\s/g, "").includes(certPem.replaceAll(/\s/g, ""));
}
