import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { Secret } from "../../../../../common/secret.ts";
import { signAssertion } from "../../../../../proxy/credentials/minting/signed-assertion.ts";
import { rsaPair } from "../../../../support/token-servers/mint-stage.ts";
import { TestClock } from "../../../../support/test-clock.ts";

const pair = rsaPair();
const clock = new TestClock();
const sign = async (pem: string) => signAssertion(new Secret(pem), { claims: { iss: "app", aud: "there" }, keyId: "k1", lifetimeS: 540 }, clock);

describe("an assertion", () => {
  test.each([["PKCS#1", pair.pkcs1], ["PKCS#8", pair.pkcs8]])("is signed with a key in %s, from a minute ago to its end", async (_form, pem) => {
    const jwt = await sign(pem);
    const { payload } = await jwtVerify(jwt, createPublicKey(pair.publicPem), { algorithms: ["RS256"], issuer: "app", audience: "there", currentDate: new Date(clock.nowMs()) });
    const nowS = clock.nowMs() / 1_000;
    expect([payload.iat, payload.exp]).toEqual([nowS - 60, nowS + 540]);
    expect(decodeProtectedHeader(jwt)).toMatchObject({ alg: "RS256", kid: "k1" });
  });

  test("is another one each time", async () => {
    expect(await sign(pair.pkcs8)).not.toBe(await sign(pair.pkcs8));
  });

  test.each([
    ["another kind of key", generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })], ["a short one", rsaPair(1_024).pkcs8], ["a public one", pair.publicPem], ["none", "-----BEGIN PRIVATE KEY-----"],
  ])("is not made with %s", async (_name, pem) => {
    await expect(sign(pem)).rejects.toMatchObject({ name: "SourceError", fault: "malformed" });
  });
});
