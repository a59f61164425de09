import { Secret } from "../../common/secret.ts";
import { EgressError } from "../errors.ts";
import type { Login, LoginTarget } from "../model/loan.ts";
import type { Binding, Grant } from "./config.ts";
import type { InjectChoice } from "./injection-config.ts";
import { SourceError, valueOf, type Material } from "./secret-source.ts";

/** PostgreSQL cuts longer names (NAMEDATALEN). */
const NAME_LIMIT_BYTES = 63;
const PASSWORD_LIMIT_BYTES = 1_024;

/** What a grant's source gives now, and the reference of it for the record. */
export interface Borrowed {
  readonly material: Material;
  readonly reference: string;
  /** See `Login`. */
  isHeld(): boolean;
}

export type NamedGrant = readonly [name: string, grant: Grant];

/**
 * Lends the login of a session. The binding is looked at before anything is fetched, so that the answer does not depend on the secret.
 * @param grants names from the decision and what they are; exactly one, and made for this protocol
 * @throws EgressError `credential.unavailable`, `credential.misdirected`
 */
export async function lendLogin(grants: readonly NamedGrant[], target: LoginTarget, borrow: (name: string) => Promise<Borrowed>): Promise<Login> {
  const [first, ...more] = grants;
  if (first === undefined) throw new EgressError("credential.unavailable", "policy lends no grant to log in with");
  if (more.length > 0) throw new EgressError("credential.unavailable", `${grants.length} grants to log in with, where there can be one`);
  const [name, { inject, bind }] = first;
  if (inject.type !== target.protocol) throw new EgressError("credential.unavailable", `grant ${name} is not made for logins of ${target.protocol}`);
  const problem = strayLogin(bind, target);
  if (problem !== null) throw misdirected(name, problem);
  const { material, reference, isHeld } = await borrow(name);
  try {
    return { ...loginOf(inject, material), references: [reference], isHeld };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    throw new EgressError("credential.unavailable", `grant ${name}: ${error.message}`, { cause: error });
  }
}

/** Why a session is outside the binding of a grant, or null if it is inside in every respect. Says what the session is, not what is allowed. */
export function strayLogin({ hosts, ports, databases = [], users }: Binding, { host, port, database, user }: LoginTarget): string | null {
  if (!hosts.includes(host)) return `host ${host} is not in its binding`;
  if (!ports.includes(port)) return `port ${port} is not in its binding`;
  if (!databases.includes("*") && !databases.includes(database)) return `database ${database} is not in its binding`;
  if (users !== undefined && !users.includes(user)) return `user ${user} is not in its binding`;
  return null;
}

/** @throws SourceError `malformed` for a name or a password that the protocol cannot carry */
function loginOf(inject: InjectChoice<"postgres">, material: Material): Pick<Login, "username" | "password" | "secrets"> {
  const username = inject.username === undefined ? valueOf(material, "username") : new Secret(inject.username);
  const password = material.values.password ?? valueOf(material, "value");
  requireCarried("user", username, NAME_LIMIT_BYTES);
  requireCarried("password", password, PASSWORD_LIMIT_BYTES);
  return { username, password, secrets: [password] };
}

function requireCarried(what: string, secret: Secret, limitBytes: number): void {
  const text = secret.reveal();
  const isCarried = text !== "" && Buffer.byteLength(text) <= limitBytes && !text.includes("\0");
  if (!isCarried) throw new SourceError("malformed", `the ${what} is empty, longer than ${limitBytes} bytes or holds a zero`);
}

function misdirected(name: string, problem: string): EgressError {
  return new EgressError("credential.misdirected", `grant ${name}: ${problem}`, {
    explanation: { rule: `grant.${name}`, reason: problem, hint: `Open a database of grant ${name}, or ask for a policy without it here.` },
  });
}
