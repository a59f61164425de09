import { hash } from "node:crypto";
import * as z from "zod";
import type { Borrower } from "../../model/agent.ts";
import { SourceError, type Lease, type Material } from "../secret-source.ts";
import type { LeaseName, VaultClient, VaultReply } from "./vault-client.ts";

/** Whoever can speak of leases to Vault. */
type Client = Pick<VaultClient, "hasOwnLogin" | "holdToken" | "isLive" | "renewLease" | "revokeLease">;

/** What all engines say beside the secret. A lease that is empty is none. */
const leaseSchema = z.object({
  lease_id: z.string().max(1_024).regex(/^[\x21-\x7e]*$/), lease_duration: z.number().int().nonnegative(), renewable: z.boolean(),
});

/**
 * Material of an answer that comes with a lease.
 * @throws SourceError `malformed` if it does not: what nobody can take back is not what was asked for
 */
export function leasedMaterial(client: Client, borrower: Borrower, { body, tokenId }: VaultReply, values: Material["values"]): Material {
  const parsed = leaseSchema.safeParse(body);
  if (!parsed.success || parsed.data.lease_id === "" || parsed.data.lease_duration === 0) throw new SourceError("malformed", "Vault's answer holds no lease");
  const { lease_id: id, lease_duration: seconds, renewable } = parsed.data;
  client.holdToken(borrower, seconds * 1_000);
  return {
    values, lifetimeMs: seconds * 1_000,
    version: `${tokenId}-${hash("sha256", id, "hex").slice(0, 12)}`,
    lease: leaseOf(client, borrower, { id, tokenId, seconds, isRenewable: renewable }),
  };
}

/** For a source of leased material: it may be used as long as the token lives that it was leased with. */
export function isLeaseCurrent(client: Client, version: string): boolean {
  return client.isLive(version.split("-")[0] ?? "");
}

interface Given extends LeaseName {
  readonly seconds: number;
  readonly isRenewable: boolean;
}

function leaseOf(client: Client, borrower: Borrower, lease: Given): Lease {
  return {
    id: lease.id,
    isRenewable: lease.isRenewable,
    renew: async (signal) => client.renewLease(lease, lease.seconds, borrower, signal),
    // Where only the agent's token could ask, and that has ended, the lease has ended with it.
    revoke: async (signal) => { if (client.hasOwnLogin || client.isLive(lease.tokenId)) await client.revokeLease(lease.id, borrower, signal); },
    ...client.hasOwnLogin ? { reclaim: { kind: "vault-lease" as const, id: lease.id } } : {},
  };
}
