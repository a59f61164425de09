import { createPublicKey, generateKeyPairSync, hash, sign } from "node:crypto";
import { appendFileSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import canonicalize from "canonicalize";
import { listSegments } from "../../proxy/audit/directory.ts";
import { verifyAudit } from "../../proxy/audit/verify.ts";
import { aClosedChain, aCopy, aFolder, editLines, verifyByPython } from "../support/audit-room.ts";

/** A whole chain that each test copies and damages: record 0 segment, 1 started, 2.. exchanges, a checkpoint in the middle, stopped last. */
const whole = mkdtempSync(join(tmpdir(), "weir-audit-"));
let lineCount = 0;

beforeAll(async () => {
  await aClosedChain(whole, 12);
  const [segment] = await listSegments(whole);
  lineCount = readFileSync(segment!.path, "utf8").trimEnd().split("\n").length;
  return () => { rmSync(whole, { recursive: true }); };
});

/** Both implementations, which must agree on where and what. */
async function problemOf(directory: string, checkpointFile?: string): Promise<{ sequence: number; damage: string } | null> {
  const ours = (await verifyAudit(directory, checkpointFile === undefined ? {} : { checkpointFile })).problem;
  const theirs = (await verifyByPython(directory, ...(checkpointFile === undefined ? [] : ["--checkpoint", checkpointFile]))).problem;
  const brief = (problem: { sequence: number; damage: string } | null) => problem === null ? null : { sequence: problem.sequence, damage: problem.damage };
  expect(brief(theirs)).toEqual(brief(ours));
  return brief(ours);
}

/** What somebody with the folder, but without the signing key, can do: change a line and make every hash after it right again. */
function rehash(lines: readonly string[]): string[] {
  let previous: string | undefined;
  return lines.map((line, sequence) => {
    const event = JSON.parse(line);
    const [attestation] = event.attestation_list;
    event.metadata.sequence = sequence;
    delete attestation.fingerprint;
    if (previous !== undefined) attestation.prev_event = { fingerprint: { algorithm_id: 3, value: previous }, uid: `${attestation.chain_uid}:${sequence - 1}` };
    previous = hash("sha256", canonicalize(event) ?? "", "hex");
    attestation.fingerprint = { algorithm_id: 3, value: previous };
    return canonicalize(event) ?? "";
  });
}

test("a chain that nobody touched is whole", async () => {
  expect(await problemOf(whole)).toBeNull();
});

describe("whoever can write to the folder cannot, unnoticed,", () => {
  test("flip a bit: a sample over the whole file, the first bad record named", async () => {
    const copy = aCopy(whole);
    const [segment] = await listSegments(copy);
    const bytes = readFileSync(segment!.path);
    const starts = [0, ...[...bytes.entries()].flatMap(([at, byte]) => byte === 10 ? [at + 1] : [])];
    for (let position = 0; position < bytes.length; position += 61) {
      const flipped = Buffer.from(bytes);
      flipped[position]! ^= 1 << (position % 8);
      writeFileSync(segment!.path, flipped);
      const bad = starts.findLastIndex((start) => start <= position);
      const report = await verifyAudit(copy);
      expect(report.problem?.sequence, `bit in byte ${position} of record ${bad}`).toBe(bad);
    }
  });

  test("flip a bit, says the second implementation too", async () => {
    const copy = aCopy(whole);
    const [segment] = await listSegments(copy);
    const bytes = readFileSync(segment!.path);
    for (const position of [0, 300, 5_000, bytes.length - 1, bytes.length - 400]) {
      const flipped = Buffer.from(bytes);
      flipped[position]! ^= 4;
      writeFileSync(segment!.path, flipped);
      expect(await problemOf(copy)).not.toBeNull();
    }
  });

  test("delete a record", async () => {
    const copy = aCopy(whole);
    await editLines(copy, (lines) => lines.toSpliced(4, 1));
    expect(await problemOf(copy)).toEqual({ sequence: 4, damage: "missing" });
  });

  test("insert a record", async () => {
    const copy = aCopy(whole);
    await editLines(copy, (lines) => lines.toSpliced(4, 0, lines[3]!));
    expect(await problemOf(copy)).toEqual({ sequence: 4, damage: "misplaced" });
  });

  test("swap two records", async () => {
    const copy = aCopy(whole);
    await editLines(copy, (lines) => lines.toSpliced(4, 2, lines[5]!, lines[4]!));
    expect(await problemOf(copy)).toEqual({ sequence: 4, damage: "missing" });
  });

  test("rewrite a record and its own hash", async () => {
    const copy = aCopy(whole);
    await editLines(copy, (lines) => lines.with(4, rehash([...lines.slice(0, 4), lines[4]!.replace("x-2", "x-9")])[4]!));
    expect(await problemOf(copy)).toEqual({ sequence: 4, damage: "altered" });
  });

  test("rewrite a record and every hash behind it: the next checkpoint is of other records", async () => {
    const copy = aCopy(whole);
    await editLines(copy, (lines) => rehash(lines.with(4, lines[4]!.replace("x-2", "x-9"))));
    expect(await problemOf(copy)).toEqual({ sequence: 0, damage: "replaced" });
    const later = aCopy(whole);
    await editLines(later, (lines) => rehash(lines.with(12, lines[12]!.replace("x-", "y-"))));
    expect(await problemOf(later)).toEqual({ sequence: 9, damage: "replaced" });
  });

  test.each([1, 2, 5])("cut the last %i records off: a checkpoint covers them", async (count) => {
    const copy = aCopy(whole);
    await editLines(copy, (lines) => lines.slice(0, -count));
    expect(await problemOf(copy)).toEqual({ sequence: lineCount - count, damage: "truncated" });
  });

  test("cut the file off in the middle of a record", async () => {
    const copy = aCopy(whole);
    const [segment] = await listSegments(copy);
    truncateSync(segment!.path, readFileSync(segment!.path).length - 100);
    expect(await problemOf(copy)).toEqual({ sequence: lineCount - 1, damage: "truncated" });
  });

  test("put another chain in its place, checkpoints, key and all: a checkpoint kept elsewhere is of the first", async () => {
    const other = aFolder();
    await aClosedChain(other, 12);
    expect(await problemOf(other)).toBeNull();
    expect(await problemOf(other, join(whole, "checkpoints"))).toEqual({ sequence: 0, damage: "replaced" });
  });

  test("rewrite everything with a key of their own: neither the key nor the checkpoint kept elsewhere agrees", async () => {
    const copy = aCopy(whole);
    await editLines(copy, (lines) => rehash(lines.with(4, lines[4]!.replace("x-2", "x-9"))));
    forgeCheckpoint(copy, lineCount);
    // With everything beside the chain forged, what is beside the chain agrees with itself …
    expect((await verifyAudit(copy)).problem).toBeNull();
    // … so the proof is what was kept elsewhere.
    const kept = join(aFolder(), "kept");
    copyFileSync(join(whole, "checkpoints"), kept);
    const keptKey = join(aFolder(), "kept.pub");
    copyFileSync(join(whole, "signing.pub"), keptKey);
    expect((await verifyAudit(copy, { publicKeyFile: keptKey })).problem).toMatchObject({ damage: "unsigned" });
    expect((await verifyAudit(copy, { publicKeyFile: keptKey, checkpointFile: kept })).problem).not.toBeNull();
    expect((await verifyByPython(copy, "--key", keptKey, "--checkpoint", kept)).exitCode).toBe(1);
  });

  test("take the first segment away without a retention record", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 20, { segmentBytes: 8_192 });
    const [first, second] = await listSegments(folder);
    rmSync(first!.path);
    expect(await problemOf(folder)).toEqual({ sequence: 0, damage: "missing" });
    expect(second!.first).toBeGreaterThan(0);
  });

  test("take a segment out of the middle", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 20, { segmentBytes: 8_192 });
    const [, second] = await listSegments(folder);
    rmSync(second!.path);
    expect(await problemOf(folder)).toEqual({ sequence: second!.first, damage: "missing" });
  });

  test("empty a segment in the middle, or join it to the next", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 20, { segmentBytes: 8_192 });
    const emptied = aCopy(folder);
    const [, second] = await listSegments(emptied);
    truncateSync(second!.path);
    expect(await problemOf(emptied)).toEqual({ sequence: second!.first, damage: "missing" });
    const cut = aCopy(folder);
    const [head] = await listSegments(cut);
    truncateSync(head!.path, readFileSync(head!.path).length - 3);
    expect((await problemOf(cut))?.damage).toBe("altered");
  });

  test("edit, add or reorder checkpoints", async () => {
    for (const edit of [
      (text: string) => text.replace(/\n(\d+)\n/, "\n3\n"),
      (text: string) => `${text}${text}`,
      (text: string) => text.replace(/— weir-audit .{20}/, (line) => `${line.slice(0, -1)}${line.endsWith("A") ? "B" : "A"}`),
      (text: string) => `not a note\n\n— nobody AAAAAAAA\n\n${text}`,
    ]) {
      const copy = aCopy(whole);
      const path = join(copy, "checkpoints");
      writeFileSync(path, edit(readFileSync(path, "utf8")));
      expect(await problemOf(copy)).toMatchObject({ damage: "unsigned" });
    }
  });

  test("hide a bad record behind a line too long to read", async () => {
    const copy = aCopy(whole);
    const [segment] = await listSegments(copy);
    appendFileSync(segment!.path, `${"x".repeat(3 << 20)}\n`);
    expect((await verifyAudit(copy)).problem).not.toBeNull();
    expect((await verifyByPython(copy)).problem).not.toBeNull();
  });
});

test("what has no checkpoint yet may be cut off unnoticed, and the report says how far it vouches", async () => {
  const copy = aCopy(whole);
  rmSync(join(copy, "checkpoints"));
  await editLines(copy, (lines) => lines.slice(0, -2));
  expect(await verifyAudit(copy)).toMatchObject({ problem: null, checkpointSize: 0 });
  expect(existsSync(join(copy, "checkpoints"))).toBe(false);
});

test("a folder without a chain is not whole, it is nothing", async () => {
  await expect(verifyAudit(aFolder())).rejects.toThrow("there is no audit chain");
});

/** Replaces key and checkpoints by forged ones that agree with the records. */
function forgeCheckpoint(directory: string, size: number): void {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = createPublicKey(publicKey.export({ format: "pem", type: "spki" })).export({ format: "der", type: "spki" }).subarray(12);
  const blob = Buffer.concat([Buffer.of(1), raw]);
  const keyId = hash("sha256", Buffer.concat([Buffer.from("weir-audit\n"), blob]), "hex").slice(0, 8);
  const text = readFileSync(join(directory, "segment-0000000000000000.jsonl"), "utf8").trimEnd().split("\n");
  const leaves = text.slice(0, size).map((line) => hash("sha256", Buffer.concat([Buffer.of(0), Buffer.from(JSON.parse(line).attestation_list[0].fingerprint.value, "hex")]), "buffer"));
  const note = `weir.dev/audit/${JSON.parse(text[0]!).attestation_list[0].chain_uid}\n${size}\n${rootOf(leaves).toString("base64")}\n`;
  writeFileSync(join(directory, "signing.pub"), `weir-audit+${keyId}+${blob.toString("base64")}\n`);
  writeFileSync(join(directory, "checkpoints"), `${note}\n— weir-audit ${Buffer.concat([Buffer.from(keyId, "hex"), sign(null, Buffer.from(note), privateKey)]).toString("base64")}\n\n`);
}

function rootOf(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return hash("sha256", Buffer.concat([Buffer.of(1), rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split))]), "buffer");
}
