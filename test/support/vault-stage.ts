import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../common/clock.ts";
import { openLender } from "../../proxy/credentials/lender.ts";
import type { Loan } from "../../proxy/model/loan.ts";
import { aHead, A_BORROWER, credentialSettings, someGrants } from "./credentials.ts";

export interface VaultStageOptions {
  readonly address: string;
  readonly token: string;
  /** Further settings of `credentials.vault`. */
  readonly vault?: Readonly<Record<string, unknown>>;
  readonly credentials?: Readonly<Record<string, unknown>>;
  /** Path of the secret; default `team/github`. */
  readonly path?: string;
}

/** A lender with one grant `github` whose secret is field `token` of `secret/PATH` in the Vault of the test. */
export interface VaultStage {
  readonly tokenFile: string;
  /** Lends the grant for a request inside its binding. */
  lend(): Promise<Loan>;
  close(): Promise<void>;
}

export async function openVaultStage({ address, token, vault = {}, credentials = {}, path = "team/github" }: VaultStageOptions): Promise<VaultStage> {
  const folder = await mkdtemp(join(tmpdir(), "weir-vault-"));
  const tokenFile = join(folder, "token");
  await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
  const grants = someGrants({ github: { credential: { type: "vault", path, field: "token" }, bind: { hosts: ["api.example.test"] } } });
  const settings = credentialSettings({ cacheTtlMs: 0, failureTtlMs: 0, attempts: 1, vault: { address, tokenFile, timeoutMs: 2_000, ...vault }, ...credentials });
  const lender = openLender({ grants, credentials: settings }, { environment: {} }, systemClock);
  return {
    tokenFile,
    lend: async () => lender.lend(["github"], A_BORROWER, aHead(), new AbortController().signal),
    close: async () => {
      await lender.close();
      await rm(folder, { recursive: true });
    },
  };
}
