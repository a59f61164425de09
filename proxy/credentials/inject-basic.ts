import { Secret } from "../../common/secret.ts";
import { fieldValue } from "./header-text.ts";
import { FORGE_USERS, type InjectChoice } from "./injection-config.ts";
import type { Injection } from "./injection.ts";
import { SourceError, valueOf, type Material } from "./secret-source.ts";

/** HTTP Basic (RFC 7617): user and password of the source, or a user of the grant and the source's one value. */
export function injectBasic({ user }: InjectChoice<"basic">, material: Material): Injection {
  const password = material.values.password ?? valueOf(material, "value");
  return basic(user === undefined ? valueOf(material, "username").reveal() : user, password);
}

/** Git over HTTPS: HTTP Basic with the user that a forge wants beside a token. */
export function injectGit({ forge, user }: InjectChoice<"git">, material: Material): Injection {
  return basic(user ?? FORGE_USERS[forge], valueOf(material, "value"));
}

/** @throws SourceError `malformed` for what would end the user too early, or the line */
function basic(user: string, password: Secret): Injection {
  if (/[:\x00-\x1f\x7f]/.test(user)) throw new SourceError("malformed", "the user has a colon or a control character in it");
  const text = password.reveal();
  if (text === "" || /[\x00-\x1f\x7f]/.test(text)) throw new SourceError("malformed", "the password is empty or has a control character in it");
  const encoded = Buffer.from(`${user}:${text}`, "utf8").toString("base64");
  return { headers: [["authorization", fieldValue(`Basic ${encoded}`)]], secrets: [password, new Secret(encoded)] };
}
