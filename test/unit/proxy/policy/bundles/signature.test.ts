import { createHmac, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { SIGNATURES_FILE } from "../../../../../proxy/policy/bundles/file-hashes.ts";
import type { BundleFiles } from "../../../../../proxy/policy/bundles/files.ts";
import { describeSignature, signFiles, verifySignature, type Verification } from "../../../../../proxy/policy/bundles/signature.ts";
import { claimsOf, keysOf, signatureOver, verifying } from "../../../../support/signed-bundles.ts";

const ours = keysOf();
const theirs = keysOf();
const ec = keysOf("p-256");
const rsa = keysOf("rsa");

const plain: BundleFiles = new Map([
  [".manifest", Buffer.from("{\"revision\":\"7\",\"roots\":[\"\"]}")], ["data.json", Buffer.from("{\"b\":1,\"a\":[1.0,\"x\"]}")], ["policy.wasm", Buffer.from([0, 97, 115, 109])],
]);
const sealed = (signature: Buffer, files = plain): BundleFiles => new Map([...files, [SIGNATURES_FILE, signature]]);
const token = (header: object, payload: object, signature: Buffer) => Buffer.from(JSON.stringify({
  signatures: [[JSON.stringify(header), JSON.stringify(payload)].map((part) => Buffer.from(part).toString("base64url")).concat(signature.toString("base64url")).join(".")],
}));
const check = (files: BundleFiles, verification: Verification = verifying({ ours })) => verifySignature(files, verification);

describe("a signature holds", () => {
  test.each([["Ed25519", ours, "EdDSA"], ["P-256", ec, "ES256"], ["RSA", rsa, "RS256"]] as const)("by a key of the kind %s, which is named", async (_, keys, algorithm) => {
    expect(await check(sealed(await signFiles(plain, keys.signing, {})), verifying({ other: theirs, release: keys }))).toEqual({ keyId: "release", algorithm });
  });

  test("under Ed25519's own name (RFC 9864) as well", async () => {
    expect(await check(sealed(await signatureOver(claimsOf(plain), ours, { alg: "Ed25519" })))).toMatchObject({ keyId: "ours" });
  });

  test("when it names its key, by that key, while the old key and the new one are both configured", async () => {
    const rotating = verifying({ "2025": theirs, "2026": ours });
    expect(await check(sealed(await signFiles(plain, ours.signing, { keyId: "2026" })), rotating)).toMatchObject({ keyId: "2026" });
    expect(await check(sealed(await signFiles(plain, theirs.signing, { keyId: "2025" })), rotating)).toMatchObject({ keyId: "2025" });
  });

  test("for its scope, and no longer when data.json was only laid out anew", async () => {
    const scoped = sealed(await signFiles(plain, ours.signing, { scope: "prod" }));
    expect(await check(scoped, verifying({ ours }, "prod"))).toMatchObject({ keyId: "ours" });
    expect(await check(new Map([...scoped, ["data.json", Buffer.from("{\n \"a\": [1.0, \"\\u0078\"], \"b\": 1 }")]]), verifying({ ours }, "prod"))).toMatchObject({ keyId: "ours" });
  });

  test("and says of itself what people want to know", async () => {
    expect(describeSignature(sealed(await signFiles(plain, ours.signing, { scope: "prod", keyId: "k" })))).toEqual({ algorithm: "EdDSA", keyId: "k", scope: "prod" });
    expect(describeSignature(plain)).toBeNull();
  });
});

describe("a signature is refused", () => {
  const honest = claimsOf(plain);
  const [first, ...others] = honest.files;
  const REFUSED: readonly (readonly [what: string, files: () => Promise<BundleFiles> | BundleFiles, reason: string, verification?: Verification])[] = [
    ["that is not there", () => plain, "not signed"],
    ["by another key", async () => sealed(await signFiles(plain, theirs.signing, {})), "does not hold with any of"],
    ["by another key under our key's name", async () => sealed(await signFiles(plain, theirs.signing, { keyId: "ours" })), "does not hold with the key ours"],
    ["by a configured key under the name of another", async () => sealed(await signFiles(plain, theirs.signing, { keyId: "ours" })), "does not hold with the key ours", verifying({ ours, theirs })],
    ["by a key that is not configured", async () => sealed(await signFiles(plain, ours.signing, { keyId: "unknown" })), "\"unknown\", which is not among"],
    ["that names an unknown key in its claims alone", async () => sealed(await signatureOver({ ...honest, keyid: "unknown" }, ours)), "\"unknown\", which is not among"],
    ["of no algorithm", () => sealed(token({ alg: "none", typ: "JWT" }, honest, Buffer.from(""))), "does not hold"],
    ["of the public key taken for a shared secret", () => {
      const [head, body] = [{ alg: "HS256", typ: "JWT" }, honest].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
      return sealed(token({ alg: "HS256", typ: "JWT" }, honest, createHmac("sha256", ours.publicPem).update(`${head}.${body}`).digest()));
    }, "does not hold"],
    ["of another algorithm than the key's", async () => sealed(await signFiles(plain, ec.signing, { keyId: "ours" })), "does not hold"],
    ["that brings its own key", async () => sealed(await signatureOver(honest, theirs, { jwk: generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }) })), "names something else than"],
    ["with a header that must be understood", async () => sealed(await signatureOver(honest, ours, { crit: ["b64"], b64: true })), "names something else than"],
    ["with one byte changed", async () => {
      const text = (await signFiles(plain, ours.signing, {})).toString();
      return sealed(Buffer.from(text.replace(/.(?="\]\})/, (last) => (last === "A" ? "g" : "A"))));
    }, "does not hold"],
    ["that names a scope where none is wanted", async () => sealed(await signFiles(plain, ours.signing, { scope: "test" })), "for the scope \"test\", not for no scope"],
    ["for another scope", async () => sealed(await signFiles(plain, ours.signing, { scope: "test" })), "not for the scope \"prod\"", verifying({ ours }, "prod")],
    ["without the scope that is wanted", async () => sealed(await signFiles(plain, ours.signing, {})), "for no scope, not for", verifying({ ours }, "prod")],
    ["that leaves a file out", async () => sealed(await signatureOver({ files: others }, ours)), "does not cover \".manifest\""],
    ["that covers nothing", async () => sealed(await signatureOver({ files: [] }, ours)), "does not cover"],
    ["of a bundle with a file besides", async () => sealed(await signatureOver(honest, ours), new Map([...plain, ["more.wasm", Buffer.from("x")]])), "does not cover \"more.wasm\""],
    ["of a bundle that lacks a file", async () => sealed(await signatureOver(honest, ours), new Map([...plain].slice(1))), "\".manifest\", which the bundle does not hold"],
    ["that lists a file twice", async () => sealed(await signatureOver({ files: [first, ...others, first] }, ours)), "\".manifest\" twice"],
    ["that lists a file twice, once with another hash", async () => sealed(await signatureOver({ files: [...honest.files, { ...first, hash: "00" }] }, ours)), "\".manifest\" twice"],
    ["that lists itself", async () => sealed(await signatureOver({ files: [...honest.files, { ...first, name: SIGNATURES_FILE }] }, ours)), "which the bundle does not hold"],
    ["of a file that was changed", async () => sealed(await signatureOver(honest, ours), new Map([...plain, ["policy.wasm", Buffer.from("other")]])), "\"policy.wasm\" of the bundle is not what was signed"],
    ["of data that says something else", async () => sealed(await signatureOver(honest, ours), new Map([...plain, ["data.json", Buffer.from("{\"b\":1,\"a\":[1,\"x\"]}")]])), "\"data.json\" of the bundle is not what was signed"],
    ["by a hash that is broken", async () => sealed(await signatureOver({ files: [{ ...first, algorithm: "MD5" }, ...others] }, ours)), "algorithm"],
    ["by no hash", async () => sealed(await signatureOver({ files: [{ ...first, hash: "" }, ...others] }, ours)), "hash"],
    ["beside a second one", async () => {
      const { signatures } = JSON.parse((await signFiles(plain, ours.signing, {})).toString()) as { signatures: string[] };
      return sealed(Buffer.from(JSON.stringify({ signatures: [...signatures, ...signatures] })));
    }, "not exactly one signature"],
    ["of a plugin", async () => {
      const { signatures } = JSON.parse((await signFiles(plain, ours.signing, {})).toString()) as { signatures: string[] };
      return sealed(Buffer.from(JSON.stringify({ signatures, plugin: "custom" })));
    }, SIGNATURES_FILE],
    ["that is no JSON", () => sealed(Buffer.from("{")), "is not JSON"],
    ["that is no token", () => sealed(Buffer.from("{\"signatures\":[\"a.b\"]}")), "header"],
    ["of endless length", () => sealed(Buffer.alloc((1 << 20) + 1, " ")), "larger than"],
  ];

  test.each(REFUSED.map(([what, ...rest]) => ({ what, rest })))("$what", async ({ rest: [files, reason, verification] }) => {
    await expect(check(await files(), verification)).rejects.toThrow(reason);
  });
});
