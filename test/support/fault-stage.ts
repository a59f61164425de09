import { startLeasedUpstream, type LeasedUpstream } from "./leased-upstream.ts";
import { openLeaseLab, type LeaseLab } from "./lease-lab.ts";
import { startStand, type Answered, type Stand } from "./running-proxy.ts";
import { mintAuthority } from "./tls-authority.ts";
import { exchangesOf } from "./whole-proxy.ts";

export const KV_HOST = "kv.faults.test";
export const DB_HOST = "db.faults.test";

/** Times of the stage: short, so that what is cached does not hide a fault for long. */
export const CACHE_TTL_MS = 300;
const SETTINGS = { cacheTtlMs: CACHE_TTL_MS, failureTtlMs: 100, fetchTimeoutMs: 2_000, attempts: 2, attemptDelayMs: 50, breakerFaults: 4, breakerRestMs: 600 };

/** A whole proxy that lends from a real store behind a relay that makes trouble, and a destination that keeps what it is shown. */
export interface FaultStage {
  readonly lab: LeaseLab;
  readonly stand: Stand;
  readonly upstream: LeasedUpstream;
  /** One request of the agent. `kv`: a secret that the store keeps; `db`: a user that it makes. */
  ask(which: "kv" | "db"): Promise<Answered>;
  /** Why the newest request failed, as the audit log has it; empty if it did not. */
  lastDetail(): string;
  close(): Promise<void>;
}

/** @param bao path of the binary */
export async function openFaultStage(bao: string, dbTtlSeconds = 600): Promise<FaultStage> {
  const lab = await openLeaseLab(bao);
  await lab.server.call("POST", "secret/data/api", { data: { value: "kv-secret-1" } });
  await lab.role("stage", dbTtlSeconds, 3_600);
  const authority = await mintAuthority();
  const upstream = await startLeasedUpstream(authority, [KV_HOST, DB_HOST]);
  const stand = await startStand({
    authority, routes: [KV_HOST, DB_HOST].map((name) => ({ name, port: 443, dialPort: upstream.port })),
    policyData: { hosts: [{ name: KV_HOST, rule: "kv", grants: ["kv"] }, { name: DB_HOST, rule: "db", grants: ["db"] }] },
    config: {
      // Each request asks for its name anew, which no agent does.
      dns: { queriesPerSecond: 10_000, queryBurst: 10_000 },
      credentials: { ...SETTINGS, vault: lab.vaultSection },
      grants: {
        kv: { credential: { type: "vault", path: "api" }, bind: { hosts: [KV_HOST] } },
        db: { credential: { type: "vault-database", role: "stage" }, inject: { type: "basic" }, bind: { hosts: [DB_HOST] } },
      },
    },
  });
  return {
    lab, stand, upstream,
    ask: async (which) => stand.ask("GET", `https://${which === "kv" ? KV_HOST : DB_HOST}/x`),
    lastDetail: () => exchangesOf(stand.records, "closed").at(-1)?.error?.detail ?? "",
    close: async () => {
      await stand.stop();
      await upstream.close();
      await lab.close();
    },
  };
}
