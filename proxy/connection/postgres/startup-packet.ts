import { EgressError } from "../../errors.ts";
import type { SqlStartup } from "../../model/connection.ts";
import type { BackendKey, Parameters } from "./encode.ts";
import { MAJOR_VERSION, VERSION_3_0 } from "./protocol.ts";
import type { Opening } from "./read-packet.ts";

/** PostgreSQL cuts longer names (NAMEDATALEN): what policy allowed would be another name than the one that is opened. */
const NAME_LIMIT_BYTES = 63;
const PARAMETER_LIMIT = 64;
const PROTOCOL_OPTION = "_pq_.";
/** Names with a meaning of their own, compared exactly by PostgreSQL; not by everything that stands in front of one. */
const SPOKEN_FOR = new Set(["user", "database", "options", "replication"]);
const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_.]{0,62}$/;
/** `-c name=value`, a backslash before what separates. Other switches choose clusters and endpoints in front of some servers. */
const OPTIONS = /^ *(?:-c *[A-Za-z_][A-Za-z0-9_.]*=(?:[^\s\\]|\\[^\n])*(?: +|$))*$/;

/** A startup packet, read and judged as far as can be without policy. */
export interface Startup {
  readonly sql: SqlStartup;
  /** What goes to the server as it is: everything but user, database and what concerns the protocol. */
  readonly parameters: Parameters;
  /** Options of the protocol that the client asks for; none is spoken here. */
  readonly protocolOptions: readonly string[];
  /** True if the client must be told that 3.0 is spoken, whatever it offered. */
  readonly isNewer: boolean;
}

/**
 * Reads the first words of a client. Strict: valid UTF-8, no name twice, nothing behind the end.
 * @throws EgressError `wire.malformed`; `protocol.unsupported` for another version, replication, and options that are no settings
 */
export function parseStartup({ code, body }: Opening): Startup {
  if (code >>> 16 !== MAJOR_VERSION) throw new EgressError("protocol.unsupported", `version ${code >>> 16}.${code & 0xffff} of the PostgreSQL protocol`);
  const given = new Map(readParameters(body));
  const taken = (name: string) => { const value = given.get(name) ?? ""; given.delete(name); return value; };
  if (given.has("replication")) throw unsupported("Replication is not lent to agents.", "Connect without `replication`.");
  const user = requireName("user", taken("user"));
  const database = requireName("database", taken("database") || user);
  const options = given.get("options") ?? "";
  if (!OPTIONS.test(options)) throw unsupported("The options hold something else than settings.", "Write each setting as `-c name=value`.");
  const protocolOptions = [...given.keys()].filter((name) => name.startsWith(PROTOCOL_OPTION));
  return {
    sql: { user, database, applicationName: given.get("application_name") ?? "", options },
    parameters: [...given].filter(([name]) => !name.startsWith(PROTOCOL_OPTION)),
    protocolOptions, isNewer: code !== VERSION_3_0 || protocolOptions.length > 0,
  };
}

/** What a client shows to have a statement of another connection cancelled. @throws EgressError `wire.malformed` */
export function parseCancel({ body }: Opening): BackendKey {
  if (body.byteLength < 8) throw malformed("a cancel request without a key");
  return { processId: body.readUInt32BE(0), key: body.subarray(4) };
}

function readParameters(body: Buffer): (readonly [string, string])[] {
  if (body.byteLength === 0 || body.at(-1) !== 0) throw malformed("no zero at the end");
  const text = decode(body.subarray(0, -1));
  if (text === "") return [];
  if (!text.endsWith("\0")) throw malformed("a value without an end");
  const fields = text.slice(0, -1).split("\0");
  if (fields.length % 2 !== 0 || fields.length > 2 * PARAMETER_LIMIT) throw malformed(`${fields.length} fields`);
  const pairs = Array.from({ length: fields.length / 2 }, (_, index) => [fields[2 * index] ?? "", fields[2 * index + 1] ?? ""] as const);
  if (pairs.some(([name]) => !PARAMETER_NAME.test(name))) throw malformed("a name that is none");
  if (pairs.some(([name]) => name !== name.toLowerCase() && SPOKEN_FOR.has(name.toLowerCase()))) throw malformed("a name in another spelling");
  if (new Set(pairs.map(([name]) => name.toLowerCase())).size !== pairs.length) throw malformed("a name twice");
  return pairs;
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new EgressError("wire.malformed", "startup packet: not UTF-8", { cause });
  }
}

function requireName(what: string, name: string): string {
  if (name === "") throw malformed(`no ${what}`);
  if (Buffer.byteLength(name) > NAME_LIMIT_BYTES) throw malformed(`a ${what} of more than ${NAME_LIMIT_BYTES} bytes`);
  return name;
}

function malformed(detail: string): EgressError {
  return new EgressError("wire.malformed", `startup packet: ${detail}`);
}

function unsupported(reason: string, hint: string): EgressError {
  return new EgressError("protocol.unsupported", reason, { explanation: { rule: "postgres.startup", reason, hint } });
}
