import { readFileSync, statSync } from "node:fs";
import { EXIT, UserError } from "../../../common/exit-codes.ts";
import type { VerificationConfig } from "./config.ts";
import type { Verification } from "./signature.ts";
import { readPublicKey, type SigningKey } from "./signing-keys.ts";

const KEY_FILE_LIMIT_BYTES = 16 * 1_024;

/** Reads the configured keys. Another key in the same file counts after the next start. @throws UserError that names the key */
export function readVerification({ keys, scope }: VerificationConfig): Verification {
  return { keys: new Map(Object.entries(keys).map(([id, place]) => [id, keyOf(id, place)])), scope: scope ?? null };
}

function keyOf(id: string, { key, keyFile = "" }: VerificationConfig["keys"][string]): SigningKey {
  try {
    return readPublicKey(key ?? readLimited(keyFile));
  } catch (cause) {
    throw new UserError(`policy.verification.keys.${id}: ${(cause as Error).message}`,
      "`weir policy keygen` makes a pair of keys; the public one belongs here.", EXIT.config, { cause });
  }
}

function readLimited(path: string): string {
  if (statSync(path).size > KEY_FILE_LIMIT_BYTES) throw new Error(`${path} is larger than ${KEY_FILE_LIMIT_BYTES} bytes`);
  return readFileSync(path, "utf8");
}
