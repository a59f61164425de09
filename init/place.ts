/**
 * in: PodConfig · out: nothing · ends early with: exit 1 (this is another namespace) · next: apply.ts
 *
 * Whoever comes from outside found the namespace by a name that may have become another one's since: what counts is where this process is.
 */
import { networkInterfaces } from "node:os";
import { addressToBytes, bytesToAddress } from "../common/address-bytes.ts";
import { EXIT, UserError } from "../common/exit-codes.ts";
import type { RulesConfig } from "./config.ts";

/** @throws UserError unless the namespace has every address that it must have, and none that it must not */
export function checkPlace(config: RulesConfig, own: readonly string[] = ownAddresses()): void {
  if (config.mode !== "pod") return;
  const here = new Set(own.map(canonical));
  const missing = config.onlyAt.filter((address) => !here.has(canonical(address)));
  const foreign = config.neverAt.filter((address) => here.has(canonical(address)));
  if (missing.length > 0) throw elsewhere(`it has no address ${missing.join(", ")}`);
  if (foreign.length > 0) throw elsewhere(`it has the node's own address ${foreign.join(", ")}`);
}

function elsewhere(why: string): UserError {
  return new UserError(`this is not the network namespace of the pod: ${why}`, "No rule was written.", EXIT.failure);
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}

function canonical(address: string): string {
  return bytesToAddress(addressToBytes(address.split("%")[0] ?? ""));
}
