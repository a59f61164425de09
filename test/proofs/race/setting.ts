import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatUsd } from "../../../common/money.ts";
import { MODEL_HOSTS } from "../../support/model-provider/model-provider.ts";
import { startProviderProcess, type ProviderProcess } from "../../support/model-provider/provider-process.ts";
import { startPostgres, type PostgresServer } from "../../support/postgres-server.ts";
import { mintAuthority } from "../../support/tls-authority.ts";
import { Agents } from "./agents.ts";
import { Fleet } from "./fleet.ts";

/** Limits in nano-dollars. */
export interface Caps {
  readonly org: bigint;
  readonly team: bigint;
  readonly thread: bigint;
}

/** All processes of the proof. */
export interface Setting {
  readonly postgres: PostgresServer;
  readonly provider: ProviderProcess;
  readonly fleet: Fleet;
  readonly agents: Agents;
  close(): Promise<void>;
}

export async function openSetting(proxies: number, caps: Caps): Promise<Setting> {
  const directory = mkdtempSync(join(tmpdir(), "weir-race-"));
  const closers: (() => Promise<void>)[] = [async () => { rmSync(directory, { recursive: true, force: true }); }];
  const close = async () => { for (const closer of closers.toReversed()) await closer(); };
  try {
    const postgres = await startPostgres();
    closers.push(async () => postgres.close());
    const authority = await mintAuthority("Model providers");
    const provider = await startProviderProcess(authority, directory);
    closers.push(async () => provider.close());
    writeFileSync(join(directory, "providers-ca.pem"), authority.caPem);
    writeFileSync(join(directory, "ledger-url"), postgres.url, { mode: 0o600 });
    const fleet = await Fleet.start(directory, proxies, configOf(directory, provider.port, caps));
    closers.push(async () => fleet.stop());
    return { postgres, provider, fleet, agents: await Agents.open(fleet.issuerDirectory), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function configOf(directory: string, port: number, caps: Caps): Record<string, unknown> {
  const budget = (limit: bigint, more: object) => ({ meter: "usd", limit: formatUsd(limit), timezone: zoneFarFromMidnight(Date.now()), applies: "always", ...more });
  return {
    logLevel: "silent",
    policy: { data: { hosts: MODEL_HOSTS.map((name) => ({ name, rule: "race", methods: ["POST"], paths: ["/**"], when_short: "refuse" })) } },
    upstream: { routes: MODEL_HOSTS.map((name) => ({ name, port: 443, address: "127.0.0.1", dialPort: port })), extraCaFiles: [join(directory, "providers-ca.pem")] },
    budgets: {
      ledger: { type: "postgres", urlFile: join(directory, "ledger-url") },
      named: {
        org: budget(caps.org, { window: "month" }),
        team: budget(caps.team, { window: "day", per: "namespace", parent: "org" }),
        thread: budget(caps.thread, { window: "thread", per: "thread", parent: "team" }),
      },
    },
  };
}

/** Where no day, and so no month, begins within hours: the proof counts one window of each budget. */
function zoneFarFromMidnight(nowMs: number): string {
  const hour = new Date(nowMs).getUTCHours();
  return hour >= 6 && hour < 18 ? "Etc/UTC" : "Etc/GMT+12";
}
