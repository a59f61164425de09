import * as z from "zod";
import { Secret } from "../../../common/secret.ts";
import { unreachable } from "../../../common/unreachable.ts";
import type { Borrower } from "../../model/agent.ts";
import { readSecretFile } from "../secret-file.ts";
import { SourceError } from "../secret-source.ts";
import { readTokenFile } from "../token-file.ts";
import type { VaultCall } from "./vault-api.ts";
import type { JwtAuth, OwnAuth } from "./vault-config.ts";

/** A client token as a login gave it. */
export interface ClientToken {
  readonly secret: Secret;
  /** Names the token without opening anything; null for a batch token, which cannot be revoked. */
  readonly accessor: string | null;
  readonly isRenewable: boolean;
  /** From the login on, in milliseconds; null if it does not end. */
  readonly lifetimeMs: number | null;
}

/** What can log in again by itself. */
export type LoginAuth = Exclude<OwnAuth, { method: "token" }> | JwtAuth;

/** The request that logs in. @throws SourceError if a file of the method cannot be used, or if nobody is there to log in for */
export async function loginCall(auth: LoginAuth, borrower: Borrower | null): Promise<VaultCall> {
  return { segments: ["auth", ...auth.mount.split("/"), "login"], body: await loginBody(auth, borrower) };
}

async function loginBody(auth: LoginAuth, borrower: Borrower | null): Promise<Readonly<Record<string, string>>> {
  switch (auth.method) {
    case "approle": {
      const { text: secretId } = await readSecretFile(auth.secretIdFile);
      return { role_id: auth.roleId ?? (await readSecretFile(auth.roleIdFile ?? "")).text, secret_id: secretId };
    }
    case "kubernetes":
      return { role: auth.role, jwt: (await readTokenFile(auth.jwtFile)).reveal() };
    case "jwt":
      if (borrower === null) throw new SourceError("forbidden", "only an agent's own token logs in, and none is here");
      return { role: auth.role, jwt: borrower.token.reveal() };
    default: return unreachable(auth);
  }
}

const printable = z.string().max(16_384).regex(/^[\x21-\x7e]+$/);

/** The `auth` of an answer to a login or a renewal. Vault adds keys from release to release, so that it is open; what is used is exact. */
const authSchema = z.object({
  auth: z.object({ client_token: printable, accessor: z.string().max(256), lease_duration: z.number().int().nonnegative(), renewable: z.boolean() }),
});

/** @throws SourceError `malformed` */
export function readClientToken(answer: unknown): ClientToken {
  const parsed = authSchema.safeParse(answer);
  if (!parsed.success) throw new SourceError("malformed", "Vault's answer to a login is not one");
  const { client_token: text, accessor, lease_duration: seconds, renewable } = parsed.data.auth;
  return { secret: new Secret(text), accessor: accessor === "" ? null : accessor, isRenewable: renewable, lifetimeMs: seconds === 0 ? null : seconds * 1_000 };
}

/** A token as somebody else put it into a file. @throws SourceError */
export async function readVaultTokenFile(path: string): Promise<Secret> {
  const { text } = await readSecretFile(path);
  if (!printable.safeParse(text).success) throw new SourceError("malformed", `${path} does not hold a token`);
  return new Secret(text);
}
