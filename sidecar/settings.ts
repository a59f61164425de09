import { IDENTITY_CONTAINERS_LIMIT } from "../common/labels.ts";
import { containerPorts, PORTS } from "../common/ports.ts";
import { isContainerName } from "../common/preamble.ts";

/**
 * The sidecar's few settings, read from its flags by hand: it runs once for each agent, and a schema library would cost more memory
 * than everything else it does.
 */
export interface SidecarSettings {
  readonly proxy: ProxyAddress;
  /** File with the identity token, read again whenever it changes. */
  readonly tokenFile: string;
  /** Where connections are taken: the agent's door first, then one for each container with an identity of its own. */
  readonly doors: readonly Door[];
  /** Written when connections from here are seen to be turned to the sidecar; null: nobody waits for that. */
  readonly readyFile: string | null;
  /** Connections at a time; two file descriptors each. Above it a connection is refused. */
  readonly connectionLimit: number;
  /** DNS clients (address and port) at a time; above it a datagram is dropped, and the client asks again. */
  readonly flowLimit: number;
  /** How long connections may go on after SIGTERM, in milliseconds. */
  readonly drainTimeoutMs: number;
  /** End when standard input ends: then whoever started this sidecar is gone. */
  readonly endsWithStdin: boolean;
}

/** A pair of loopback ports, and whom the rules turn to them. */
export interface Door {
  readonly tcpPort: number;
  readonly dnsPort: number;
  /** Null: the agent, and everybody who has no identity of their own. */
  readonly container: string | null;
}

export type ProxyAddress = { readonly path: string } | { readonly host: string; readonly port: number };

export const USAGE = `weir-sidecar --proxy unix:PATH|HOST:PORT|[HOST6]:PORT --token-file PATH
  [--tcp-port N] [--dns-port N] [--container NAME=INDEX]... [--ready-file PATH]
  [--connection-limit N] [--flow-limit N] [--drain-timeout-ms N] [--ends-with-stdin]
weir-sidecar --await-ready PATH`;

/** Every wrong flag, one a line. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** @throws SettingsError */
export function readSettings(args: readonly string[]): SidecarSettings {
  const problems: string[] = [];
  const flags = readFlags(args, problems);
  const one = (name: string) => flags.get(name)?.[0];
  const number = (name: string, fallback: number, max: number) => readNumber({ name, text: one(name), fallback, max }, problems);
  const proxy = readProxy(one("proxy"), problems);
  const agent = { tcpPort: number("tcp-port", PORTS.sidecarTcp, 65_535), dnsPort: number("dns-port", PORTS.sidecarDns, 65_535), container: null };
  const settings = {
    proxy,
    tokenFile: one("token-file") ?? "",
    doors: [agent, ...readContainers(flags.get("container") ?? [], agent, problems)],
    readyFile: one("ready-file") ?? null,
    connectionLimit: number("connection-limit", 8_000, 1_000_000),
    flowLimit: number("flow-limit", 512, 65_536),
    drainTimeoutMs: number("drain-timeout-ms", 30_000, 3_600_000),
    endsWithStdin: flags.has("ends-with-stdin"),
  };
  if (settings.tokenFile === "") problems.push("--token-file: is required");
  if (problems.length > 0) throw new SettingsError(problems.join("\n  "));
  return settings;
}

const VALUE_FLAGS = new Set(["proxy", "token-file", "tcp-port", "dns-port", "container", "ready-file", "connection-limit", "flow-limit", "drain-timeout-ms"]);

/** Every flag with its values; only `--container` may have more than one. */
function readFlags(args: readonly string[], problems: string[]): Map<string, string[]> {
  const flags = new Map<string, string[]>();
  for (let index = 0; index < args.length; index += 1) {
    const name = (args[index] ?? "").replace(/^--/, "");
    const before = flags.get(name);
    if (before !== undefined && name !== "container") problems.push(`--${name}: given twice`);
    if (name === "ends-with-stdin") flags.set(name, []);
    else if (VALUE_FLAGS.has(name) && index + 1 < args.length) flags.set(name, [...before ?? [], args[index += 1] ?? ""]);
    else problems.push(`${args[index] ?? ""}: unknown flag, or its value is missing`);
  }
  return flags;
}

/** The index says which pair of ports: the rules must name the same one. */
function readContainers(texts: readonly string[], agent: Door, problems: string[]): Door[] {
  const doors = texts.flatMap((text) => {
    const [, container = "", digits = ""] = text.match(/^([^=]*)=(\d{1,2})$/) ?? [];
    if (isContainerName(container) && Number(digits) < IDENTITY_CONTAINERS_LIMIT) return [{ ...containerPorts(agent, Number(digits)), container }];
    problems.push(`--container: must be NAME=INDEX with an index below ${IDENTITY_CONTAINERS_LIMIT}`);
    return [];
  });
  const isDistinct = new Set(doors.map(({ tcpPort }) => tcpPort)).size === doors.length && new Set(doors.map(({ container }) => container)).size === doors.length;
  if (!isDistinct) problems.push("--container: a name or an index is given twice");
  return doors;
}

function readNumber(flag: { name: string; text: string | undefined; fallback: number; max: number }, problems: string[]): number {
  if (flag.text === undefined) return flag.fallback;
  const value = Number(flag.text);
  if (!/^\d+$/.test(flag.text) || value > flag.max) problems.push(`--${flag.name}: must be a whole number up to ${flag.max}`);
  return value;
}

function readProxy(text: string | undefined, problems: string[]): ProxyAddress {
  const unix = text?.match(/^unix:(\/.*)$/);
  if (unix?.[1] !== undefined) return { path: unix[1] };
  const tcp = text?.match(/^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/);
  const host = tcp?.[1] ?? tcp?.[2];
  const port = Number(tcp?.[3]);
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  problems.push("--proxy: must be unix:/path, host:port or [host6]:port");
  return { path: "" };
}
