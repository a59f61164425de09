import { EgressError } from "../../errors.ts";

/**
 * Errors of a server before a session begins that its client can do something about, in our words. What a server says in its own is never
 * passed on before it has proved who it is, and names the lent login after that.
 */
const TOLD: Readonly<Record<string, string>> = {
  "22023": "The database server does not accept a setting of the connection.",
  "3D000": "The database does not exist.",
  "42501": "The lent login may not open this database.",
  "42704": "The database server does not know a setting of the connection.",
  "53300": "The database server has too many connections.",
  "57P01": "The database server is shutting down.",
  "57P02": "The database server has crashed.",
  "57P03": "The database server does not take connections now.",
};
const NOT_ACCEPTED: ReadonlySet<string> = new Set(["28000", "28P01"]);

/** A server ended a login; `sqlState` is one of a closed list that clients may be told. */
export class ServerRefusal extends Error {
  override readonly name = "ServerRefusal";
  readonly sqlState: string;
  readonly says: string;

  constructor(sqlState: string, says: string) {
    super(`the server ended the login (${sqlState})`);
    this.sqlState = sqlState;
    this.says = says;
  }
}

/** What an ErrorResponse during a login means for us. @param body its fields; only SQLSTATE is read */
export function loginError(body: Buffer): EgressError {
  const sqlState = readSqlState(body);
  if (NOT_ACCEPTED.has(sqlState)) return new EgressError("credential.unavailable", `the database does not accept the lent login (${sqlState})`);
  const says = TOLD[sqlState];
  if (says === undefined) return new EgressError("upstream.aborted", `the database server ended the login (${sqlState})`);
  return new EgressError("upstream.aborted", says, { cause: new ServerRefusal(sqlState, says) });
}

function readSqlState(body: Buffer): string {
  const field = body.toString("latin1").split("\0").find((text) => text.startsWith("C"));
  return field !== undefined && /^C[0-9A-Z]{5}$/.test(field) ? field.slice(1) : "none";
}
