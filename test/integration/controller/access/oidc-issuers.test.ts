import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { readBearerToken } from "../../../../controller/access/bearer-token.ts";
import { accessConfig } from "../../../../controller/access/config.ts";
import { OidcIssuers } from "../../../../controller/access/oidc-issuers.ts";
import { mintAuthority } from "../../../support/tls-authority.ts";

/** A real issuer over TLS: its document and its keys, as they are now. */
let server: Server;
let issuer: string;
let folder: string;
let key: CryptoKey;
let otherKey: CryptoKey;
let requests: string[] = [];
let documentOf = (): unknown => ({ issuer, jwks_uri: `${issuer}/keys` });
let keys: object[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-oidc-"));
  const authority = await mintAuthority();
  await writeFile(join(folder, "ca.pem"), authority.caPem);
  const leaf = await authority.leaf(["127.0.0.1"]);
  const pair = await generateKeyPair("ES256", { extractable: true });
  key = pair.privateKey;
  otherKey = (await generateKeyPair("ES256")).privateKey;
  keys = [{ ...await exportJWK(pair.publicKey), kid: "1", alg: "ES256", use: "sig" }];
  server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (incoming, outgoing) => {
    requests.push(incoming.url ?? "");
    if (incoming.url === "/moved") outgoing.writeHead(302, { location: "/keys" }).end();
    else outgoing.setHeader("content-type", "application/json").end(JSON.stringify(incoming.url === "/keys" ? { keys } : documentOf()));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  await rm(folder, { recursive: true, force: true });
});

const anIssuer = (over: object = {}) => {
  requests = [];
  const config = accessConfig.parse({ oidc: [{ issuer, audience: "weir", caFile: join(folder, "ca.pem"), groupsClaim: "groups", ...over }], reviewTimeoutMs: 2_000 });
  return new OidcIssuers(config, systemClock);
};
const sign = async (claims: object = {}, with_: { key?: CryptoKey; alg?: string; expires?: string } = {}) =>
  new SignJWT({ sub: "alice", groups: ["team"], iss: issuer, aud: "weir", ...claims }).setProtectedHeader({ alg: with_.alg ?? "ES256", kid: "1" }).setIssuedAt().setExpirationTime(with_.expires ?? "5m").sign(with_.key ?? key);
const who = async (token: string, over: object = {}) => {
  const issuers = anIssuer(over);
  try {
    const bearer = readBearerToken(`Bearer ${token}`);
    const of = issuers.of(bearer);
    if (of === undefined) return "not of this issuer";
    return await of.person(bearer);
  } finally {
    await issuers.close();
  }
};

describe("a token of an issuer", () => {
  test("names a person, prefixed, whom Kubernetes does not know", async () => {
    expect(await who(await sign())).toEqual({ kind: "person", name: "oidc:alice", groups: ["system:authenticated", "oidc:team"], isOfKubernetes: false });
    expect(await who(await sign({ groups: "one" }), { usernamePrefix: "corp:", groupsPrefix: "g:" })).toMatchObject({ name: "corp:alice", groups: ["system:authenticated", "g:one"] });
    expect(await who(await sign({ groups: undefined }))).toMatchObject({ groups: ["system:authenticated"] });
  });

  test("cannot name anybody of the system, whatever it says", async () => {
    const person = await who(await sign({ sub: "system:admin", groups: ["system:masters"] }));
    expect(person).toMatchObject({ name: "oidc:system:admin", groups: ["system:authenticated", "oidc:system:masters"] });
    for (const usernamePrefix of ["", "system:", "system:serviceaccount:"]) expect(accessConfig.safeParse({ oidc: [{ issuer, audience: "weir", usernamePrefix }] }).success).toBe(false);
  });

  test.each([
    ["another audience", { aud: "other" }, {}], ["another's key", {}, { otherKey: true }], ["an end that is past", {}, { expires: "-1m" }],
    ["no name", { sub: "" }, {}], ["a name that is a number", { sub: 7 }, {}], ["groups that are a number", { groups: 7 }, {}], ["a beginning in the future", { nbf: Math.floor(Date.now() / 1_000) + 3_600 }, {}],
  ] as const)("with %s proves nobody", async (_, claims, options) => {
    const token = await sign(claims, { ...("otherKey" in options ? { key: otherKey } : {}), ...("expires" in options ? { expires: options.expires } : {}) });
    await expect(who(token)).rejects.toMatchObject({ name: "AccessRefused", kind: "unauthenticated" });
  });

  test("without a signature, or signed with the public key as a secret, proves nobody", async () => {
    const claims = { sub: "alice", iss: issuer, aud: "weir" };
    const unsigned = new UnsecuredJWT(claims).setIssuedAt().setExpirationTime("5m").encode();
    await expect(who(`${unsigned}x`)).rejects.toMatchObject({ kind: "unauthenticated" });
    const symmetric = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "1" }).setIssuedAt().setExpirationTime("5m").sign(new TextEncoder().encode(JSON.stringify(keys[0])));
    await expect(who(symmetric)).rejects.toMatchObject({ kind: "unauthenticated" });
    expect(accessConfig.safeParse({ oidc: [{ issuer, audience: "weir", algorithms: ["HS256"] }] }).success).toBe(false);
    await expect(who(await sign(), { algorithms: ["RS256"] })).rejects.toMatchObject({ kind: "unauthenticated" });
  });

  test("with an address for a name needs one that was confirmed", async () => {
    const over = { usernameClaim: "email" };
    await expect(who(await sign({ email: "a@b.test" }), over)).rejects.toMatchObject({ rule: "authentication.claims" });
    await expect(who(await sign({ email: "a@b.test", email_verified: "true" }), over)).rejects.toMatchObject({ rule: "authentication.claims" });
    expect(await who(await sign({ email: "a@b.test", email_verified: true }), over)).toMatchObject({ name: "oidc:a@b.test" });
  });

  test("that says it is of somebody else is not asked for here", async () => {
    expect(await who(await sign({ iss: "https://other.test" }))).toBe("not of this issuer");
    expect(requests).toEqual([]);
  });
});

describe("an issuer", () => {
  const original = documentOf;

  test("is asked for its keys once", async () => {
    const issuers = anIssuer();
    for (let turn = 0; turn < 3; turn += 1) {
      const bearer = readBearerToken(`Bearer ${await sign()}`);
      await issuers.of(bearer)?.person(bearer);
    }
    expect(requests).toEqual(["/.well-known/openid-configuration", "/keys"]);
    await issuers.close();
  });

  test.each([
    ["calls itself otherwise", () => ({ issuer: "https://other.test", jwks_uri: `${issuer}/keys` })],
    ["keeps its keys where nothing is encrypted", () => ({ issuer, jwks_uri: `http://127.0.0.1/keys` })],
    ["sends elsewhere for its keys", () => ({ issuer, jwks_uri: `${issuer}/moved` })],
    ["sends more than anybody reads", () => ({ issuer, jwks_uri: `${issuer}/keys`, padding: "x".repeat(600 << 10) })],
  ])("that %s is unavailable, and proves nobody", async (_, document) => {
    documentOf = document;
    try {
      await expect(who(await sign())).rejects.toMatchObject({ name: "AccessUnavailable" });
    } finally {
      documentOf = original;
    }
  });

  test("whose certificate nobody vouches for is unavailable", async () => {
    await expect(who(await sign(), { caFile: undefined })).rejects.toMatchObject({ name: "AccessUnavailable" });
  });

  test("is written with https, or it is a mistake of the configuration", () => {
    expect(accessConfig.safeParse({ oidc: [{ issuer: "http://127.0.0.1", audience: "weir" }] }).success).toBe(false);
  });
});
