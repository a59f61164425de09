import { PORTS } from "../common/ports.ts";

/**
 * The sidecar's few settings, read from its flags by hand: it runs once for each agent, and a schema library would cost more memory
 * than everything else it does.
 */
export interface SidecarSettings {
  readonly proxy: ProxyAddress;
  /** File with the identity token, read again whenever it changes. */
  readonly tokenFile: string;
  readonly tcpPort: number;
  readonly dnsPort: number;
  /** Connections at a time; two file descriptors each. Above it a connection is refused. */
  readonly connectionLimit: number;
  /** DNS clients (address and port) at a time; above it a datagram is dropped, and the client asks again. */
  readonly flowLimit: number;
  /** How long connections may go on after SIGTERM, in milliseconds. */
  readonly drainTimeoutMs: number;
  /** End when standard input ends: then whoever started this sidecar is gone. */
  readonly endsWithStdin: boolean;
}

export type ProxyAddress = { readonly path: string } | { readonly host: string; readonly port: number };

export const USAGE = `weir-sidecar --proxy unix:PATH|HOST:PORT|[HOST6]:PORT --token-file PATH
  [--tcp-port N] [--dns-port N] [--connection-limit N] [--flow-limit N] [--drain-timeout-ms N] [--ends-with-stdin]`;

/** Every wrong flag, one a line. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** @throws SettingsError */
export function readSettings(args: readonly string[]): SidecarSettings {
  const problems: string[] = [];
  const flags = readFlags(args, problems);
  const number = (name: string, fallback: number, max: number) => readNumber({ name, text: flags.get(name), fallback, max }, problems);
  const settings = {
    proxy: readProxy(flags.get("proxy"), problems),
    tokenFile: flags.get("token-file") ?? "",
    tcpPort: number("tcp-port", PORTS.sidecarTcp, 65_535),
    dnsPort: number("dns-port", PORTS.sidecarDns, 65_535),
    connectionLimit: number("connection-limit", 8_000, 1_000_000),
    flowLimit: number("flow-limit", 512, 65_536),
    drainTimeoutMs: number("drain-timeout-ms", 30_000, 3_600_000),
    endsWithStdin: flags.has("ends-with-stdin"),
  };
  if (settings.tokenFile === "") problems.push("--token-file: is required");
  if (problems.length > 0) throw new SettingsError(problems.join("\n  "));
  return settings;
}

const VALUE_FLAGS = new Set(["proxy", "token-file", "tcp-port", "dns-port", "connection-limit", "flow-limit", "drain-timeout-ms"]);

function readFlags(args: readonly string[], problems: string[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (let index = 0; index < args.length; index += 1) {
    const name = (args[index] ?? "").replace(/^--/, "");
    if (flags.has(name)) problems.push(`--${name}: given twice`);
    if (name === "ends-with-stdin") flags.set(name, "");
    else if (VALUE_FLAGS.has(name) && index + 1 < args.length) flags.set(name, args[index += 1] ?? "");
    else problems.push(`${args[index] ?? ""}: unknown flag, or its value is missing`);
  }
  return flags;
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
