import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { LeafAuthority } from "../../../../proxy/tls/authority.ts";
import { openCa } from "../../../../proxy/tls/ca.ts";
import { tlsConfig } from "../../../../proxy/tls/config.ts";
import { IntermediateCa } from "../../../../proxy/tls/intermediate.ts";
import { openSigner, type TestSigner } from "../../../support/certificate-signer.ts";
import { TestClock } from "../../../support/test-clock.ts";

const DAY_MS = 86_400_000;
const settings = tlsConfig.parse({ intermediate: { lifetimeMs: 30 * DAY_MS } });
const config = settings.intermediate!;

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "weir-intermediate-")); });
afterEach(() => { rmSync(folder, { recursive: true, force: true }); });

/** Subject of the leaf's issuer, as a client that trusts nothing but this root sees it. */
async function issuerSeenBy(rootPem: string, authority: LeafAuthority): Promise<string | undefined> {
  const context = await authority.contextFor("api.example.test");
  const server = createServer({ SNICallback: (_name, done) => { done(null, context); } }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", ca: rootPem, servername: "api.example.test" });
    await once(client, "secureConnect");
    const issuer = client.getPeerX509Certificate()?.issuer;
    client.destroy();
    return issuer;
  } finally {
    server.close();
  }
}

describe("a CA that another authority signs", () => {
  test("mints what a client that trusts the root alone accepts, and one that trusts another does not", async () => {
    const signer = await openSigner(systemClock);
    const ca = await IntermediateCa.open({ stateDirectory: folder, config, signer, clock: systemClock });
    const authority = new LeafAuthority(ca.current, settings, systemClock);
    expect(authority.caPem).toBe(signer.rootPem);
    expect(await issuerSeenBy(signer.rootPem, authority)).toBe("CN=Weir interception CA");
    await expect(issuerSeenBy((await openSigner(systemClock, "Other root")).rootPem, authority)).rejects.toThrow("certificate");
  });

  test("keeps its key to itself: what is sent holds the public half", async () => {
    const signer = await openSigner(systemClock);
    await IntermediateCa.open({ stateDirectory: folder, config, signer, clock: systemClock });
    const keyFile = join(folder, "ca", "intermediate-key.pem");
    const key = createPrivateKey(readFileSync(keyFile));
    expect(statSync(keyFile).mode & 0o077).toBe(0);
    expect(signer.requests).toHaveLength(1);
    const sent = Buffer.from((signer.requests[0] ?? "").replaceAll(/-----[^-]+-----|\n/g, ""), "base64");
    expect(sent.includes(createPublicKey(key).export({ format: "der", type: "spki" }))).toBe(true);
    expect(sent.includes(Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url"))).toBe(false);
  });

  test("is not opened without a certificate, and the error says what to look at", async () => {
    const signer = await openSigner(systemClock);
    signer.isDown = true;
    await expect(IntermediateCa.open({ stateDirectory: folder, config, signer, clock: systemClock })).rejects.toMatchObject({
      name: "UserError", message: "cannot have the interception CA signed by vault:pki/root/sign-intermediate: sealed: Vault answered 503",
    });
  });

  test("is not taken if it does not lead to a root", async () => {
    const signer = await openSigner(systemClock);
    signer.isChainCut = true;
    await expect(IntermediateCa.open({ stateDirectory: folder, config, signer, clock: systemClock })).rejects.toThrow("does not lead to a root");
  });
});

describe("the certificate of such a CA", () => {
  let clock: TestClock;
  let signer: TestSigner;
  beforeEach(async () => {
    clock = new TestClock();
    signer = await openSigner(clock);
  });
  const open = async () => IntermediateCa.open({ stateDirectory: folder, config, signer, clock });

  test("is used again after a restart, by other processes too, and asked for anew after two thirds of its life", async () => {
    const first = await open();
    clock.advance(19 * DAY_MS);
    const second = await open();
    expect([second.current.notAfterMs, signer.requests.length, (await openCa(folder, settings, clock)).caPem]).toEqual([first.current.notAfterMs, 1, signer.rootPem]);
    clock.advance(2 * DAY_MS);
    const third = await open();
    expect([third.current.notAfterMs > first.current.notAfterMs, signer.requests.length]).toEqual([true, 2]);
  });

  test("stays in use to its end while no other can be had, and not beyond", async () => {
    await open();
    signer.isDown = true;
    clock.advance(29 * DAY_MS);
    expect((await open()).current.caPem).toBe(signer.rootPem);
    clock.advance(2 * DAY_MS);
    await expect(open()).rejects.toThrow("cannot have the interception CA signed");
    signer.isDown = false;
    expect((await open()).current.caPem).toBe(signer.rootPem);
  });

  test("is replaced while the proxy runs: later leaves are of the new one, with the same key", async () => {
    const ca = await open();
    const authority = new LeafAuthority(ca.current, settings, clock);
    const before = ca.current;
    clock.advance(21 * DAY_MS);
    authority.useCa(await ca.renew());
    expect([ca.current.keyId.equals(before.keyId), ca.current.notAfterMs - before.notAfterMs, authority.caPem]).toEqual([true, 21 * DAY_MS, before.caPem]);
    expect(new X509Certificate(ca.current.chainPem).validToDate.getTime()).toBe(ca.current.notAfterMs);
  });

  test("below another root is refused while the proxy runs: agents trust the first", async () => {
    const ca = await open();
    const other = await openSigner(clock, "Another root");
    signer.signIntermediate = async (request, wish) => other.signIntermediate(request, wish);
    await expect(ca.renew()).rejects.toThrow("it is below another root");
    expect(ca.current.caPem).toBe(signer.rootPem);
  });
});
