import { describe, expect, test } from "vitest";
import { packFiles, type BundleFiles } from "../../../../../proxy/policy/bundles/files.ts";
import { openBundle } from "../../../../../proxy/policy/bundles/open-bundle.ts";
import { UnfitError } from "../../../../../proxy/policy/bundles/unfit.ts";
import { keysOf, policyFiles, signed, verifying } from "../../../../support/signed-bundles.ts";

const ours = keysOf();
const memoryLimitBytes = 64 << 20;
const anybody = { verification: null, memoryLimitBytes };
const oursAlone = { verification: verifying({ ours }), memoryLimitBytes };
const allowing = (name: string) => ({ hosts: [{ name }] });
const files = await policyFiles(allowing("one.example"), "7");
const digestOf = async (of: BundleFiles) => (await openBundle(await packFiles(of), anybody)).digest;

describe("a bundle is opened", () => {
  test("unsigned where nobody asks whose it is, and says so", async () => {
    const opened = await openBundle(await packFiles(files), anybody);
    expect(opened.bundle.revision).toBe("7");
    expect(opened.signer).toBeNull();
  });

  test("signed by a key that is trusted, which it names", async () => {
    expect((await openBundle(await signed(files, ours), oursAlone)).signer).toEqual({ keyId: "ours", algorithm: "EdDSA" });
  });
});

describe("a bundle is refused", () => {
  test("unsigned where a signature has to hold", async () => {
    await expect(openBundle(await packFiles(files), oursAlone)).rejects.toThrow("not signed");
  });

  test("signed by a key that is not trusted, even if its files are no policy at all", async () => {
    const none: BundleFiles = new Map([["data.json", Buffer.from("{}")]]);
    await expect(openBundle(await signed(none, keysOf()), oursAlone)).rejects.toThrow("does not hold");
    await expect(openBundle(await signed(none, ours), oursAlone)).rejects.toThrow("holds no .manifest");
  });

  test("that is not packed as one", async () => {
    await expect(openBundle(Buffer.from("PK\u0003\u0004"), anybody)).rejects.toThrow(UnfitError);
  });
});

describe("the digest of a bundle", () => {
  test("is the same in whatever order its files are packed, laid out and signed", async () => {
    const laidOut = new Map([...files].reverse()).set("data.json", Buffer.from(JSON.stringify(JSON.parse(files.get("data.json")!.toString("utf8")), null, 2)));
    expect(await digestOf(laidOut)).toBe(await digestOf(files));
    expect((await openBundle(await signed(files, keysOf()), anybody)).digest).toBe(await digestOf(files));
  });

  test("is another for other data under the same revision, and for the same data under another", async () => {
    const digests = await Promise.all([files, await policyFiles(allowing("two.example"), "7"), await policyFiles(allowing("one.example"), "8")].map(digestOf));
    expect(new Set(digests).size).toBe(3);
  });
});
