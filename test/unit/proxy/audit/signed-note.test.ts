import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { formatVerifierKey, openSigner, parseVerifierKey, readNote, signNote } from "../../../../proxy/audit/signed-note.ts";

const pem = () => generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
const signer = openSigner("weir-audit", pem());
const other = openSigner("weir-audit", pem());
const note = await signNote("one\ntwo\n", [signer]);

/** The published example of the format (golang.org/x/mod/sumdb/note): key, text and signature. */
const EXAMPLE = {
  key: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
  note: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
};

describe("a signed note", () => {
  test("has the form of c2sp.org/signed-note", () => {
    expect(note).toMatch(/^one\ntwo\n\n— weir-audit [A-Za-z0-9+/]+={0,2}\n$/);
  });

  test("is signed by the keys that signed it, and by no other", async () => {
    const both = await signNote("one\n", [signer, other]);
    expect(readNote(note, [signer, other]).signedBy).toEqual([signer]);
    expect(readNote(both, [signer, other]).signedBy).toEqual([signer, other]);
    expect(readNote(note, [other]).signedBy).toEqual([]);
  });

  test("is not signed once a letter of its text or signature is another", () => {
    for (const changed of [note.replace("two", "twp"), note.replace("weir-audit", "weir-audiT"), note.replace(/(\w)(=*\n)$/, (_all, letter: string, end: string) => `${letter === "A" ? "B" : "A"}${end}`)]) {
      if (changed === note) throw new Error("not changed");
      expect(() => { if (readNote(changed, [signer]).signedBy.length > 0) throw new Error("signed"); }).not.toThrow("signed");
    }
  });

  test("is none if its signature is written in another way that decodes to the same", () => {
    const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const changed = note.replace(/(.)=\n$/, (_all, letter: string) => `${ALPHABET[ALPHABET.indexOf(letter) + 1]}=\n`);
    const decoded = (text: string) => Buffer.from(text.trimEnd().split(" ").at(-1)!, "base64").toString("hex");
    expect([changed === note, decoded(changed)]).toEqual([false, decoded(note)]);
    expect(() => readNote(changed, [signer])).toThrow("not a signature line");
  });

  test("is not made with a signature that its signer's public key does not vouch for", async () => {
    await expect(signNote("one\n", [{ ...signer, sign: async () => Buffer.alloc(64) }])).rejects.toThrow("is not that of its key");
    await expect(signNote("one\n", [{ ...signer, sign: other.sign }])).rejects.toThrow("is not that of its key");
  });

  test.each(["", "one\n", "one\n\n", "one\n\nx\n", "one\n\n— weir-audit !\n", note.trimEnd()])("is not %j", (text) => {
    expect(() => readNote(text, [signer])).toThrow(/not a sign/);
  });
});

describe("a verifier key", () => {
  test("is read back as written", () => {
    const read = parseVerifierKey(formatVerifierKey(signer));
    expect(readNote(note, [read]).signedBy).toEqual([read]);
  });

  test("of the published example vouches for the published note, and not for a changed one", () => {
    const key = parseVerifierKey(EXAMPLE.key);
    expect(readNote(EXAMPLE.note, [key]).signedBy).toEqual([key]);
    expect(readNote(EXAMPLE.note.replace("answer", "Answer"), [key]).signedBy).toEqual([]);
  });

  test.each(["", "name", "name+00000000+AAAA", formatVerifierKey(signer).replace("+", " "), formatVerifierKey(signer).replace(/\+[0-9a-f]{8}\+/, "+00000000+")])("is not %j", (line) => {
    expect(() => parseVerifierKey(line)).toThrow(/verifier key/);
  });

  test("of another algorithm is refused", () => {
    expect(() => openSigner("weir-audit", generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }))).toThrow("not an Ed25519 key");
  });
});
