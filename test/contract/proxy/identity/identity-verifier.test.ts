import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AgentIdentity } from "../../../../common/identity.ts";
import { identityConfig } from "../../../../proxy/identity/config.ts";
import { JwtVerifier, type ClusterIdentity } from "../../../../proxy/identity/jwt-verifier.ts";
import { openLocalIssuer, type LocalIssuer } from "../../../../proxy/identity/local-issuer.ts";
import { EgressError } from "../../../../proxy/errors.ts";
import type { Peer } from "../../../../proxy/model/connection.ts";
import type { GovernedPod } from "../../../../proxy/model/pods.ts";
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

const THE_POD: GovernedPod = {
  uid: UID, namespace: "agents", name: "coder-1", addresses: ["10.1.2.3", "fd00::3"], agent: "coder", thread: "t7", user: "ada", chain: ["agents/lead/t1"],
  grants: ["agents.github"], allowance: { usd: "2000000000" }, chainAllowances: [{ usd: "5000000000" }], containers: ["search"], labels: { team: "a" }, goneByMs: null,
};

function theCluster(over: Partial<ClusterIdentity> = {}): ClusterIdentity {
  return {
    tokenReview: true,
    pods: { find: async ({ uid }) => { if (uid !== UID) throw new EgressError("identity.rejected", "no such pod"); return THE_POD; } },
    tokens: { issuer: async () => "https://cluster.example", keys: async () => JSON.parse(readFileSync(jwksFile, "utf8")) as unknown, isAccepted: async () => true },
    holdings: { of: ({ name }) => (name.startsWith("coder") ? { grants: [], budgets: [] } : null) },
    ...over,
  };
}

function verifier(over: Partial<ClusterIdentity> = {}, issuers: readonly object[] = [{ kind: "kubernetes", issuer: "https://cluster.example", jwksFile }]): JwtVerifier {
  return new JwtVerifier(identityConfig.parse({ issuers }), { clock, localIssuer: issuer, cluster: theCluster(over) });
}

const shown = (token: string, container: string | null = null) => ({ token, container });

const podClaims = (uid = UID) => ({ "kubernetes.io": { namespace: "agents", pod: { name: "coder-1", uid }, node: { name: "n1", uid: "n" }, serviceaccount: { name: "coder", uid: "sa" }, warnafter: 1 } });

async function podToken(claims: JWTPayload = podClaims(), { key = clusterKey, kid = "k1", lifeSeconds = 3_600, audience = "weir-proxy", startSeconds = 0 } = {}): Promise<string> {
  const now = Math.floor(clock.nowMs() / 1_000) + startSeconds;
  return new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid }).setIssuer("https://cluster.example").setAudience(audience).setIssuedAt(now).setNotBefore(now).setExpirationTime(now + lifeSeconds).sign(key);
}

const rejects = async (verified: Promise<unknown>, code: string) => expect(verified).rejects.toMatchObject({ name: "EgressError", code });

describe("IdentityVerifier: a local token", () => {
  test("is the agent that it was minted for, until it expires", async () => {
    const verified = await verifier().verify(shown(await issuer.mint(AGENT, 60_000)), UNIX, signal);
    expect(verified).toEqual({ ...AGENT, expiresAtMs: clock.nowMs() + 60_000 });
  });

  test("is refused a moment after its expiry, also from the cache", async () => {
    const own = verifier();
    const token = await issuer.mint(AGENT, 60_000);
    await own.verify(shown(token), UNIX, signal);
    clock.advance(59_999);
    await own.verify(shown(token), UNIX, signal);
    clock.advance(1);
    await rejects(own.verify(shown(token), UNIX, signal), "identity.expired");
    await rejects(verifier().verify(shown(token), UNIX, signal), "identity.expired");
  });

  test("bound to an address is good on TCP from there, and from nowhere else", async () => {
    const token = await issuer.mint(AGENT, 60_000, "10.1.2.3");
    expect((await verifier().verify(shown(token), POD, signal)).instance).toBe("i1");
    await rejects(verifier().verify(shown(token), { kind: "tcp", address: "10.1.2.4" }, signal), "identity.rejected");
    await rejects(verifier().verify(shown(await issuer.mint(AGENT, 60_000)), POD, signal), "identity.rejected");
  });

  test("does not live longer than allowed", async () => {
    await rejects(verifier().verify(shown(await issuer.mint(AGENT, 86_401_000)), UNIX, signal), "identity.rejected");
  });

  test("cannot be minted for what is no agent", async () => {
    await expect(issuer.mint({ ...AGENT, name: "" }, 60_000)).rejects.toThrow(/name/);
  });
});

describe("IdentityVerifier: a pod's token", () => {
  test("is what the pod says: agent, thread, user, chain and the most it may be lent; its instance is the pod", async () => {
    expect(await verifier().verify(shown(await podToken()), POD, signal)).toEqual({
      namespace: "agents", name: "coder", thread: "t7", instance: UID, pod: "coder-1", user: "ada", chain: ["agents/lead/t1"], grants: ["agents.github"],
      allowance: { usd: "2000000000" }, chainAllowances: [{ usd: "5000000000" }],
      labels: { team: "a" }, expiresAtMs: clock.nowMs() + 3_600_000,
    });
  });

  test("shown by a container with an identity of its own is that container, and of no other", async () => {
    const token = await podToken();
    expect(await verifier().verify(shown(token, "search"), POD, signal)).toMatchObject({ name: "coder.search", instance: `${UID}/search`, thread: "t7", pod: "coder-1" });
    await rejects(verifier().verify(shown(token, "shell"), POD, signal), "identity.rejected");
    await rejects(verifier().verify(shown(await issuer.mint(AGENT, 60_000), "search"), UNIX, signal), "identity.rejected");
  });

  test("of an agent that is not part of the boundary is refused, of its container too", async () => {
    const own = verifier({ holdings: { of: ({ name }) => (name === "coder" ? { grants: [], budgets: [] } : null) } });
    await own.verify(shown(await podToken()), POD, signal);
    await rejects(own.verify(shown(await podToken(), "search"), POD, signal), "identity.rejected");
  });

  test("is refused if the cluster no longer accepts it, and while the cluster cannot be asked; unless reviews are off", async () => {
    const down = async () => { throw new Error("down"); };
    const tokens = theCluster().tokens;
    await rejects(verifier({ tokens: { ...tokens, isAccepted: async () => false } }).verify(shown(await podToken()), POD, signal), "identity.rejected");
    await rejects(verifier({ tokens: { ...tokens, isAccepted: down } }).verify(shown(await podToken()), POD, signal), "identity.unavailable");
    expect((await verifier({ tokenReview: false, tokens: { ...tokens, isAccepted: down } }).verify(shown(await podToken()), POD, signal)).instance).toBe(UID);
  });

  test("is reviewed once, with the audience and pod that it is for, and again after the refresh time", async () => {
    const reviews: unknown[] = [];
    const own = verifier({ tokens: { ...theCluster().tokens, isAccepted: async (_token, audience, uid) => { reviews.push([audience, uid]); return true; } } });
    const token = await podToken();
    await own.verify(shown(token), POD, signal);
    await own.verify(shown(token), POD, signal);
    expect(reviews).toEqual([["weir-proxy", UID]]);
    clock.advance(300_001);
    await own.verify(shown(token), POD, signal);
    expect(reviews).toHaveLength(2);
  });

  test.each<[string, () => Promise<string>, Peer, string]>([
    ["from another pod", async () => podToken(), { kind: "tcp", address: "10.1.2.4" }, "identity.rejected"],
    ["by a Unix socket", async () => podToken(), UNIX, "identity.rejected"],
    ["I05 of a pod that this node does not run", async () => podToken(podClaims("1b6c2f1e-58a7-4d7f-9f5a-6f1f0a1b2c3d")), POD, "identity.rejected"],
    ["for another audience", async () => podToken(podClaims(), { audience: "https://kubernetes.default.svc" }), POD, "identity.rejected"],
    ["not bound to a node", async () => podToken({ "kubernetes.io": { ...podClaims()["kubernetes.io"], node: undefined } }), POD, "identity.rejected"],
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
    await rejects(verifier().verify(shown(await token()), peer, signal), code);
  });

  test("is within the leeway if the issuer's clock is two seconds ahead", async () => {
    expect((await verifier().verify(shown(await podToken(podClaims(), { startSeconds: 2 })), POD, signal)).instance).toBe(UID);
  });

  test("is not accepted while nobody can say where the pod is", async () => {
    await rejects(verifier({ pods: { find: async () => { throw new EgressError("identity.unavailable", "down"); } } }).verify(shown(await podToken()), POD, signal), "identity.unavailable");
  });

  test("I05 is refused once its pod is gone, though its signature was checked before", async () => {
    let isGone = false;
    const own = verifier({ pods: { find: async () => { if (isGone) throw new EgressError("identity.rejected", "gone"); return THE_POD; } } });
    const token = await podToken();
    await own.verify(shown(token), POD, signal);
    isGone = true;
    await rejects(own.verify(shown(token), POD, signal), "identity.rejected");
  });
});

describe("IdentityVerifier: the issuer's keys", () => {
  test("are read again when a token names a new one", async () => {
    const own = verifier();
    await own.verify(shown(await podToken()), POD, signal);
    const key = await publish("k2");
    clock.advance(10_000);
    expect((await own.verify(shown(await podToken(podClaims(), { key, kid: "k2" })), POD, signal)).instance).toBe(UID);
  });

  test("that are gone count no more after the refresh time, though a token was seen before", async () => {
    const own = verifier();
    const token = await podToken();
    await own.verify(shown(token), POD, signal);
    await publish("k2");
    clock.advance(300_001);
    await rejects(own.verify(shown(token), POD, signal), "identity.rejected");
  });

  test("that cannot be read mean that nobody gets in", async () => {
    rmSync(jwksFile);
    await rejects(verifier().verify(shown(await podToken()), POD, signal), "identity.unavailable");
  });

  test("serve one refresh time longer when they cannot be read again, and then no more", async () => {
    const own = verifier();
    await own.verify(shown(await podToken()), POD, signal);
    rmSync(jwksFile);
    clock.advance(300_001);
    await own.verify(shown(await podToken()), POD, signal);
    clock.advance(300_001);
    await rejects(own.verify(shown(await podToken()), POD, signal), "identity.unavailable");
  });
});

describe("IdentityVerifier: an issuer that only the cluster knows", () => {
  const nameless = [{ kind: "kubernetes" }];

  test("is asked for its name and its keys when the first token comes", async () => {
    expect((await verifier({}, nameless).verify(shown(await podToken()), POD, signal)).instance).toBe(UID);
  });

  test("lets nobody in while the cluster does not answer, and is asked once in the cool-down whatever comes", async () => {
    let asked = 0;
    let isDown = true;
    const tokens = { ...theCluster().tokens, issuer: async () => { asked += 1; if (isDown) throw new Error("down"); return "https://cluster.example"; } };
    const own = verifier({ tokens }, nameless);
    await rejects(own.verify(shown(await podToken()), POD, signal), "identity.unavailable");
    await rejects(own.verify(shown(await podToken()), POD, signal), "identity.unavailable");
    expect(asked).toBe(1);
    isDown = false;
    clock.advance(10_000);
    expect((await own.verify(shown(await podToken()), POD, signal)).instance).toBe(UID);
  });

  test("is the only one: a stranger's token is refused", async () => {
    const own = verifier({}, nameless);
    await own.verify(shown(await podToken()), POD, signal);
    await rejects(own.verify(shown(await new SignJWT({}).setProtectedHeader({ alg: "ES256" }).setIssuer("https://evil.example").sign(strangerKey)), POD, signal), "identity.rejected");
  });
});
