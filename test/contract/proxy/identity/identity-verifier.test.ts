import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AgentIdentity } from "../../../../common/identity.ts";
import { identityConfig } from "../../../../proxy/identity/config.ts";
import { JwtVerifier, type JwtVerifierOptions } from "../../../../proxy/identity/jwt-verifier.ts";
import { openLocalIssuer, type LocalIssuer } from "../../../../proxy/identity/local-issuer.ts";
import type { Peer } from "../../../../proxy/model/connection.ts";
import { TestClock } from "../../../support/test-clock.ts";

const AGENT: AgentIdentity = { namespace: "default", name: "coder", thread: "t1", instance: "i1", user: "ada", labels: { team: "a" }, chain: ["root"] };
const UNIX: Peer = { kind: "unix" };
const POD: Peer = { kind: "tcp", address: "10.1.2.3" };
const UID = "0b6c2f1e-58a7-4d7f-9f5a-6f1f0a1b2c3d";
const signal = new AbortController().signal;

const folder = mkdtempSync(join(tmpdir(), "weir-identity-"));
const jwksFile = join(folder, "jwks.json");
let clock: TestClock;
let issuer: LocalIssuer;
let clusterKey: CryptoKey;
let strangerKey: CryptoKey;

async function publish(kid: string): Promise<CryptoKey> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  writeFileSync(jwksFile, JSON.stringify({ keys: [{ ...await exportJWK(publicKey), kid, alg: "ES256", use: "sig" }] }));
  return privateKey;
}

beforeAll(async () => { strangerKey = (await generateKeyPair("ES256")).privateKey; });
beforeEach(async () => {
  clock = new TestClock();
  issuer = await openLocalIssuer(folder, clock);
  clusterKey = await publish("k1");
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

function verifier(options: Partial<JwtVerifierOptions> = {}): JwtVerifier {
  const cluster = { kind: "kubernetes", issuer: "https://cluster.example", jwksFile } as const;
  return new JwtVerifier(identityConfig.parse({ issuers: [cluster] }), { clock, localIssuer: issuer, pods: { addressesOf: async (uid) => (uid === UID ? ["10.1.2.3", "fd00::3"] : null) }, ...options });
}

const podClaims = (uid = UID) => ({ "kubernetes.io": { namespace: "agents", pod: { name: "coder-1", uid }, serviceaccount: { name: "coder", uid: "sa" }, warnafter: 1 } });

async function podToken(claims: JWTPayload = podClaims(), { key = clusterKey, kid = "k1", lifeSeconds = 3_600, audience = "weir-proxy", startSeconds = 0 } = {}): Promise<string> {
  const now = Math.floor(clock.nowMs() / 1_000) + startSeconds;
  return new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid }).setIssuer("https://cluster.example").setAudience(audience).setIssuedAt(now).setNotBefore(now).setExpirationTime(now + lifeSeconds).sign(key);
}

const rejects = async (verified: Promise<unknown>, code: string) => expect(verified).rejects.toMatchObject({ name: "EgressError", code });

describe("IdentityVerifier: a local token", () => {
  test("is the agent that it was minted for, until it expires", async () => {
    const verified = await verifier().verify(await issuer.mint(AGENT, 60_000), UNIX, signal);
    expect(verified).toEqual({ ...AGENT, expiresAtMs: clock.nowMs() + 60_000 });
  });

  test("is refused a moment after its expiry, also from the cache", async () => {
    const own = verifier();
    const token = await issuer.mint(AGENT, 60_000);
    await own.verify(token, UNIX, signal);
    clock.advance(59_999);
    await own.verify(token, UNIX, signal);
    clock.advance(1);
    await rejects(own.verify(token, UNIX, signal), "identity.expired");
    await rejects(verifier().verify(token, UNIX, signal), "identity.expired");
  });

  test("bound to an address is good on TCP from there, and from nowhere else", async () => {
    const token = await issuer.mint(AGENT, 60_000, "10.1.2.3");
    expect((await verifier().verify(token, POD, signal)).instance).toBe("i1");
    await rejects(verifier().verify(token, { kind: "tcp", address: "10.1.2.4" }, signal), "identity.rejected");
    await rejects(verifier().verify(await issuer.mint(AGENT, 60_000), POD, signal), "identity.rejected");
  });

  test("does not live longer than allowed", async () => {
    await rejects(verifier().verify(await issuer.mint(AGENT, 86_401_000), UNIX, signal), "identity.rejected");
  });

  test("cannot be minted for what is no agent", async () => {
    await expect(issuer.mint({ ...AGENT, name: "" }, 60_000)).rejects.toThrow(/name/);
  });
});

describe("IdentityVerifier: a pod's token", () => {
  test("is an agent whose instance is the pod", async () => {
    expect(await verifier().verify(await podToken(), POD, signal)).toMatchObject({ namespace: "agents", name: "coder", thread: "coder-1", instance: UID });
  });

  test.each<[string, () => Promise<string>, Peer, string]>([
    ["from another pod", async () => podToken(), { kind: "tcp", address: "10.1.2.4" }, "identity.rejected"],
    ["by a Unix socket", async () => podToken(), UNIX, "identity.rejected"],
    ["I05 of a pod that this node does not run", async () => podToken(podClaims("1b6c2f1e-58a7-4d7f-9f5a-6f1f0a1b2c3d")), POD, "identity.rejected"],
    ["for another audience", async () => podToken(podClaims(), { audience: "https://kubernetes.default.svc" }), POD, "identity.rejected"],
    ["not bound to a pod", async () => podToken({ "kubernetes.io": { namespace: "agents", serviceaccount: { name: "coder", uid: "sa" } } }), POD, "identity.rejected"],
    ["signed by a stranger", async () => podToken(podClaims(), { key: strangerKey }), POD, "identity.rejected"],
    ["not yet valid", async () => podToken(podClaims(), { startSeconds: 10 }), POD, "identity.rejected"],
    ["expired", async () => podToken(podClaims(), { startSeconds: -7_200 }), POD, "identity.expired"],
    ["without an end", async () => new SignJWT(podClaims()).setProtectedHeader({ alg: "ES256", kid: "k1" }).setIssuer("https://cluster.example").setAudience("weir-proxy").setIssuedAt(clock.nowMs() / 1_000).sign(clusterKey), POD, "identity.rejected"],
    ["empty", async () => "", POD, "identity.missing"],
    ["of 1 MB", async () => "a".repeat(1 << 20), POD, "identity.malformed"],
    ["that is no JWT", async () => "a.b", POD, "identity.malformed"],
    ["of an unknown issuer", async () => new SignJWT({}).setProtectedHeader({ alg: "ES256" }).setIssuer("https://evil.example").sign(strangerKey), POD, "identity.rejected"],
  ])("%s is refused", async (_what, token, peer, code) => {
    await rejects(verifier().verify(await token(), peer, signal), code);
  });

  test("is within the leeway if the issuer's clock is two seconds ahead", async () => {
    expect((await verifier().verify(await podToken(podClaims(), { startSeconds: 2 }), POD, signal)).instance).toBe(UID);
  });

  test("is not accepted while nobody can say where the pod is", async () => {
    await rejects(verifier({ pods: { addressesOf: async () => { throw new Error("down"); } } }).verify(await podToken(), POD, signal), "identity.unavailable");
  });

  test("I05 is refused once its pod is gone, though its signature was checked before", async () => {
    let addresses: string[] | null = ["10.1.2.3"];
    const own = verifier({ pods: { addressesOf: async () => addresses } });
    const token = await podToken();
    await own.verify(token, POD, signal);
    addresses = null;
    await rejects(own.verify(token, POD, signal), "identity.rejected");
  });
});

describe("IdentityVerifier: the issuer's keys", () => {
  test("are read again when a token names a new one", async () => {
    const own = verifier();
    await own.verify(await podToken(), POD, signal);
    const key = await publish("k2");
    clock.advance(10_000);
    expect((await own.verify(await podToken(podClaims(), { key, kid: "k2" }), POD, signal)).instance).toBe(UID);
  });

  test("that are gone count no more after the refresh time, though a token was seen before", async () => {
    const own = verifier();
    const token = await podToken();
    await own.verify(token, POD, signal);
    await publish("k2");
    clock.advance(300_001);
    await rejects(own.verify(token, POD, signal), "identity.rejected");
  });

  test("that cannot be read mean that nobody gets in", async () => {
    rmSync(jwksFile);
    await rejects(verifier().verify(await podToken(), POD, signal), "identity.unavailable");
  });

  test("serve one refresh time longer when they cannot be read again, and then no more", async () => {
    const own = verifier();
    await own.verify(await podToken(), POD, signal);
    rmSync(jwksFile);
    clock.advance(300_001);
    await own.verify(await podToken(), POD, signal);
    clock.advance(300_001);
    await rejects(own.verify(await podToken(), POD, signal), "identity.unavailable");
  });
});
