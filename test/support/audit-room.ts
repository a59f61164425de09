import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { systemClock } from "../../common/clock.ts";
import { silentLog } from "../../common/log.ts";
import { auditConfig } from "../../proxy/audit/config.ts";
import { listSegments } from "../../proxy/audit/directory.ts";
import { openAudit, type AuditRoom, type OpenAuditOptions } from "../../proxy/audit/open-audit.ts";
import { seen, type SeenEvent } from "./audit-events.ts";
import { anExchange } from "./audit-records.ts";

/** An empty folder that is gone after the test. */
export function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "weir-audit-"));
  onTestFinished(() => { rmSync(folder, { recursive: true, force: true }); });
  return folder;
}

/** An open audit log; closed after the test. @param section as in the configuration file */
export async function anAuditRoom(directory: string, section: object = {}, options: Partial<OpenAuditOptions> = {}): Promise<AuditRoom> {
  const room = await openAudit(auditConfig.parse({ commitIntervalMs: 0, sinkDrainMs: 0, ...section }), { directory, clock: systemClock, log: silentLog, ...options });
  onTestFinished(async () => room.close());
  return room;
}

/** A closed chain of so many exchanges, with a checkpoint in the middle and one at the end. */
export async function aClosedChain(directory: string, exchanges: number, section: object = {}): Promise<void> {
  const room = await openAudit(auditConfig.parse({ commitIntervalMs: 0, ...section }), { directory, clock: systemClock, log: silentLog });
  for (let at = 0; at < exchanges; at += 1) {
    await room.commit(anExchange({ exchangeId: `x-${at}` }));
    if (at === Math.floor(exchanges / 2)) await room.checkpoint();
  }
  await room.close();
}

/** A copy of a chain that a test may damage. */
export function aCopy(directory: string): string {
  const copy = join(aFolder(), "chain");
  cpSync(directory, copy, { recursive: true });
  return copy;
}

/** Rewrites the segment of a one-segment chain line by line. */
export async function editLines(directory: string, edit: (lines: string[]) => string[]): Promise<void> {
  const [segment] = await listSegments(directory);
  writeFileSync(segment!.path, edit(readFileSync(segment!.path, "utf8").trimEnd().split("\n")).map((line) => `${line}\n`).join(""));
}

/** Every stored event of a chain, parsed. */
export async function storedEvents(directory: string): Promise<SeenEvent[]> {
  const texts = (await listSegments(directory)).map((segment) => readFileSync(segment.path, "utf8"));
  return texts.flatMap((text) => text.split("\n").filter((line) => line !== "").map((line) => seen(line)));
}

export interface PythonReport {
  readonly exitCode: number;
  readonly records: number;
  readonly problem: { readonly sequence: number; readonly damage: string } | null;
}

/** The second implementation, which shares no code with the first. */
export async function verifyByPython(directory: string, ...options: readonly string[]): Promise<PythonReport> {
  const program = join(import.meta.dirname, "../../tools/verify_audit.py");
  const done = await promisify(execFile)("python3", [program, directory, ...options]).then(({ stdout }) => ({ code: 0, stdout }), (error: unknown) => error as { code: number; stdout: string });
  return { exitCode: done.code, ...(JSON.parse(done.stdout) as Omit<PythonReport, "exitCode">) };
}
