import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { AnswerPlan } from "./answer-plan.ts";
import { MODEL_HOSTS } from "./model-provider.ts";
import type { Arrival, CountedCall } from "./tally.ts";
import type { TestAuthority } from "../tls-authority.ts";

/** What was generated so far, in nano-dollars. */
export interface Sums {
  readonly nanoUsd: bigint;
  readonly byPayer: ReadonlyMap<string, bigint>;
  readonly calls: number;
  readonly open: number;
  readonly arrivals: number;
}

/** The stand-in in a process of its own, as the load's other end must be. */
export interface ProviderProcess {
  readonly port: number;
  readonly pid: number;
  sums(): Promise<Sums>;
  calls(): Promise<readonly CountedCall[]>;
  arrivals(): Promise<readonly Arrival[]>;
  setPlan(plan: Partial<AnswerPlan>): Promise<void>;
  close(): Promise<void>;
}

/** @param directory where its certificate is written */
export async function startProviderProcess(authority: TestAuthority, directory: string): Promise<ProviderProcess> {
  const leaf = await authority.leaf(MODEL_HOSTS);
  const [cert, key] = [join(directory, "models.pem"), join(directory, "models.key")];
  writeFileSync(cert, leaf.certPem);
  writeFileSync(key, leaf.keyPem, { mode: 0o600 });
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "--cert", cert, "--key", key], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), once(child, "exit").then(() => { throw new Error("the model provider did not start"); })]) as [string];
  const { port, booksPort } = JSON.parse(line) as { readonly port: number; readonly booksPort: number };
  const ask = async <T>(path: string): Promise<T> => (await fetch(`http://127.0.0.1:${booksPort}${path}`)).json() as Promise<T>;
  return {
    port, pid: child.pid ?? 0,
    sums: async () => {
      const { nanoUsd, byPayer, ...counts } = await ask<Omit<Sums, "nanoUsd" | "byPayer"> & { nanoUsd: string; byPayer: Record<string, string> }>("/sums");
      return { ...counts, nanoUsd: BigInt(nanoUsd), byPayer: new Map(Object.entries(byPayer).map(([payer, sum]) => [payer, BigInt(sum)])) };
    },
    calls: async () => (await ask<readonly (Omit<CountedCall, "nanoUsd"> & { nanoUsd: string })[]>("/calls")).map((call) => ({ ...call, nanoUsd: BigInt(call.nanoUsd) })),
    arrivals: async () => ask("/arrivals"),
    setPlan: async (plan) => {
      const answer = await fetch(`http://127.0.0.1:${booksPort}/plan`, { method: "PUT", body: JSON.stringify(plan) });
      if (!answer.ok) throw new Error(await answer.text());
    },
    close: async () => {
      if (child.exitCode !== null) return;
      const gone = once(child, "exit");
      child.stdin.end();
      await gone;
    },
  };
}
