import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** What a host pattern covers: the name itself, names with one label more, or names with one label more or several. */
export type HostPattern = { readonly depth: "exact" | "one" | "many"; readonly name: string };

/** Path pattern, decoded: null stands for any one segment; `rest` for whatever follows, nothing included. */
export interface PathPattern {
  readonly segments: readonly (string | null)[];
  readonly rest: boolean;
}

/** Null stands for every value. */
export interface AgentPattern {
  readonly namespace: string | null;
  readonly name: string | null;
}

/** Labels of host names as DNS has them, with the underscore that service names use. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const AGENT_PART = /^(?:\*|[A-Za-z0-9._-]{1,253})$/;

/** Reads `api.example.com`, `*.example.com`, `**.example.com` or `**`. @throws Error saying what is wrong with it */
export function parseHostPattern(text: string): HostPattern {
  if (text === "*") return { depth: "one", name: "" };
  if (text === "**") return { depth: "many", name: "" };
  const depth = text.startsWith("**.") ? "many" : text.startsWith("*.") ? "one" : "exact";
  const name = depth === "exact" ? text : text.slice(text.indexOf(".") + 1);
  if (isIP(name) !== 0 || /^[0-9.]+$/.test(name)) throw new Error("is an address; put it under `addresses`");
  if (name.includes("*")) throw new Error("a wildcard is the whole first label only: `*.example.com` or `**.example.com`");
  if (name !== name.toLowerCase()) throw new Error("host names are written in lower case");
  if (name.endsWith(".")) throw new Error("host names are written without a trailing dot");
  if (name.length > 253 || !name.split(".").every((label) => LABEL.test(label))) {
    throw new Error("is not a host name; names outside ASCII are written in their `xn--` form, ports go under `ports`");
  }
  return { depth, name };
}

/** Reads `/v1/models`, `/repos/*` or `/repos/**`. @throws Error saying what is wrong with it */
export function parsePathPattern(text: string): PathPattern {
  if (!text.startsWith("/")) throw new Error("a path starts with /");
  if (/[?#]/.test(text)) throw new Error("a path has neither query nor fragment");
  if (text.includes("%")) throw new Error("a path is written decoded, without % escapes");
  const parts = text === "/" ? [] : text.slice(1).split("/");
  const rest = parts.at(-1) === "**";
  const fixed = rest ? parts.slice(0, -1) : parts;
  if (fixed.some((part) => part !== "*" && part.includes("*"))) throw new Error("`*` stands for one whole segment, `**` for the rest and only at the end");
  if (fixed.slice(0, -1).includes("") || (rest && fixed.includes(""))) throw new Error("a path has no empty segments");
  if (fixed.some((part) => part === "." || part === "..")) throw new Error("a path has no dot segments");
  return { segments: fixed.map((part) => (part === "*" ? null : part)), rest };
}

/** Reads `namespace/name`, each an exact value or `*`. @throws Error saying what is wrong with it */
export function parseAgentPattern(text: string): AgentPattern {
  const parts = text.split("/");
  const [namespace, name] = parts;
  if (parts.length !== 2 || namespace === undefined || name === undefined || !AGENT_PART.test(namespace) || !AGENT_PART.test(name)) {
    throw new Error("an agent is written `namespace/name`, either part may be `*`");
  }
  return { namespace: namespace === "*" ? null : namespace, name: name === "*" ? null : name };
}

/** Checks a range such as `10.0.0.0/8`; host bits must be zero. @throws Error saying what is wrong with it */
export function parseCidr(text: string): string {
  if (!ipaddr.isValidCIDR(text)) throw new Error("is not an address range such as 10.0.0.0/8 or 10.1.2.3/32");
  const [address, bits] = ipaddr.parseCIDR(text);
  const network = address.kind() === "ipv4" ? ipaddr.IPv4.networkAddressFromCIDR(text) : ipaddr.IPv6.networkAddressFromCIDR(text);
  if (network.toString() !== address.toString()) throw new Error(`the range begins at ${network.toString()}/${bits}`);
  return `${network.toString()}/${bits}`;
}
