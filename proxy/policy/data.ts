import * as z from "zod";
import { READINGS } from "../model/readings.ts";
import { askRule, entryReadings, packUse } from "./data-readings.ts";
import { parseAgentPattern, parseCidr, parseHostPattern, parsePathPattern } from "./patterns.ts";

/**
 * `data.yaml`: what the policy library that comes with Weir is told. Most users write this and no Rego. Everything that is not written
 * here is denied; `compile-data.ts` turns it into the index that the library reads.
 */

const MAX_ENTRIES = 100_000;

/** Runs a pattern reader as a check; what it throws becomes the problem's text. */
function readBy(read: (text: string) => unknown) {
  return z.string().min(1).max(1_024).superRefine((text, context) => {
    try {
      read(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: `"${text}" ${(error as Error).message}` });
    }
  });
}

const port = z.number().int().min(1).max(65_535);
const method = z.string().regex(/^(?:\*|[A-Z][A-Z-]{0,31})$/, "a method is upper case, such as GET, or `*` for every method");
const id = z.string().regex(/^[A-Za-z0-9_.:/*#@-]{1,200}$/, "is letters, digits and _ . : / * # @ -");
const text = z.string().min(1).max(500);
/** PostgreSQL cuts identifiers after 63 bytes. */
const databaseName = z.string().min(1).max(63).refine((name) => !name.includes("\0"), "holds a zero byte");
const ports = z.array(port).min(1).max(100);

const common = {
  rule: id.optional().describe("Id that refusals and the audit show; default `hosts.` and the name, `addresses.` and the range."),
  effect: z.enum(["allow", "deny", "ask"]).default("allow").describe("`deny` wins over every allow, wherever it stands, and closes tunnels that would carry unread what it covers; `ask` is an allow that a person has to give while the request waits."),
  ask: askRule.optional().describe("With `effect: ask`: what a person is asked."),
  agents: z.array(readBy(parseAgentPattern)).min(1).max(1_000).default(["*/*"]).describe("Agents that the entry is for, `namespace/name`; either part may be `*`."),
  methods: z.array(method).min(1).max(32).optional().describe("Methods; default every method for a deny, GET and HEAD for an allow; for one with a reading those by which it travels: GET, POST and DELETE for `mcp`, GET and POST for `git` and `graphql`, else POST. `*` is every method."),
  paths: z.array(readBy(parsePathPattern)).min(1).max(1_000).optional()
    .describe("Decoded paths; `*` is one segment or at least one character of it, never a slash; `**` at the end is the rest; `%2F` is a slash inside a segment. Case counts for an allow. A deny also covers other cases, a slash behind it, path parameters and a format at the end (`.json`). Default: every path."),
  schemes: z.array(z.enum(["https", "http"])).min(1).max(2).optional().describe("Schemes; default https only."),
  websocket: z.boolean().optional().describe("True if WebSockets may be opened; what flows in them is not read. Default false."),
  handling: z.enum(["intercept", "tunnel", "postgres"]).optional()
    .describe("`intercept` reads every request; `tunnel` passes bytes unread (SSH, pinned TLS) and never lends a credential; `postgres` logs in to a database with the one that is lent."),
  databases: z.array(databaseName).min(1).max(100).optional().describe("With `handling: postgres`: databases that may be opened, by exact name; `*` is every one."),
  users: z.array(databaseName).min(1).max(100).optional().describe("With `handling: postgres`: names that the agent may call itself; default every one, because the boundary logs in under another."),
  grants: z.array(id).max(8).optional().describe("Grants of the configuration whose credential is lent to these requests."),
  budgets: z.array(id).max(16).optional().describe("Budgets of the configuration that these requests are charged to."),
  max_request_bytes: z.number().int().positive().optional().describe("Largest request body let through, in bytes."),
  max_response_bytes: z.number().int().positive().optional().describe("Largest answer body let through, in bytes."),
  max_output_tokens: z.number().int().positive().optional().describe("Most output tokens of a model that one request may ask for; more is lowered to it. What cannot be read as a request to a model is refused."),
  when_short: z.enum(["clamp", "refuse"]).optional()
    .describe("What becomes of a request to a model whose worst case is more than what is left of a budget: its output is limited to that (`clamp`), or it is refused (`refuse`). Default: `metering.whenShort` of the proxy."),
  ...entryReadings,
  reason: text.optional().describe("For a deny: why, as the agent reads it."),
  hint: text.optional().describe("For a deny: what to do about it, as the agent reads it."),
};

const hostEntry = z.strictObject({
  name: readBy(parseHostPattern).describe("Host name; `*.example.com` is one label more, `**.example.com` one or more, `**` every name."),
  ports: ports.optional().describe("Ports; default 443 for an allow, every port for a deny."),
  ...common,
}).superRefine(checkEntry);

const addressEntry = z.strictObject({
  cidr: readBy(parseCidr).describe("Address range that agents may dial without a name."),
  ports: ports.describe("Ports."),
  ...common,
}).superRefine(checkEntry);

export const policyData = z.strictObject({
  hosts: z.array(hostEntry).max(MAX_ENTRIES).default([]).describe("Hosts, by name. Several entries may name one host: the first that allows wins."),
  addresses: z.array(addressEntry).max(10_000).default([]).describe("Literal addresses; without an entry each is refused."),
  names: z.strictObject({
    hide: z.array(readBy(parseHostPattern)).max(MAX_ENTRIES).default([]).describe("Names that do not resolve and cannot be reached, whatever `hosts` says."),
  }).prefault({}),
  packs: z.array(packUse).max(100).default([]).describe("Packs: lists of what agents need of a service, made and tested. They come after the entries above."),
  custom: z.record(z.string(), z.json()).default({}).describe("Data for Rego of your own; it reads this as `data.custom`."),
});
export type PolicyData = z.output<typeof policyData>;
export type HostEntry = PolicyData["hosts"][number];
export type AddressEntry = PolicyData["addresses"][number];

/** JSON Schema (draft 7) of `data.yaml`, for editors; the rules between keys are only in the check itself. */
export function dataJsonSchema(): object {
  return z.toJSONSchema(policyData, { target: "draft-7", io: "input" });
}

type EntryRules = Omit<HostEntry, "name" | "ports" | "rule" | "agents">;

const OBLIGATIONS = ["max_request_bytes", "max_response_bytes", "max_output_tokens", "when_short"] as const;
const READS = ["mcp", "llm", "git", "grpc", "graphql", "json", "max_read_bytes"] as const;
const ONLY_READ = ["methods", "paths", "schemes", "websocket", "grants", ...READS, ...OBLIGATIONS] as const;
const ONLY_POSTGRES = ["databases", "users"] as const;
const ONLY_ALLOW = ["ask", "handling", "databases", "users", "schemes", "websocket", "grants", "budgets", ...OBLIGATIONS] as const;

type Complain = (key: keyof EntryRules, message: string) => void;

function checkReadings(entry: EntryRules, complain: Complain): void {
  if (entry.max_read_bytes !== undefined && READINGS.every((name) => entry[name] === undefined)) complain("max_read_bytes", "has a meaning only where a body is read");
  if (entry.websocket === true && READS.some((name) => entry[name] !== undefined)) complain("websocket", "would let pass what no reading sees; write an entry of its own for it");
  if (entry.effect !== "deny") return;
  if (entry.mcp?.tools?.some(({ only_these }) => only_these) === true) complain("mcp", "`only_these` has no meaning in an entry that denies: one argument more would pass it");
}

/** What no entry may say, because it would be silently without effect or unsafe. */
function checkEntry(entry: EntryRules, context: z.RefinementCtx): void {
  const complain: Complain = (key, message) => { context.addIssue({ code: "custom", path: [key], message }); };
  checkReadings(entry, complain);
  if (entry.effect === "deny") {
    for (const key of ONLY_ALLOW) if (entry[key] !== undefined) complain(key, "has no meaning in an entry that denies");
    return;
  }
  if (entry.effect === "ask" && entry.ask === undefined) complain("ask", "must say what the person is asked");
  if (entry.effect === "allow" && entry.ask !== undefined) complain("ask", "belongs to an entry with `effect: ask`");
  for (const key of ["reason", "hint"] as const) if (entry[key] !== undefined) complain(key, "belongs to an entry with `effect: deny`");
  if (entry.handling === "tunnel") {
    for (const key of ONLY_READ) if (entry[key] !== undefined) complain(key, "has no meaning in a tunnel: its bytes are not read");
  }
  if (entry.handling === "postgres") {
    for (const key of ONLY_READ) if (key !== "grants" && entry[key] !== undefined) complain(key, "has no meaning with handling postgres");
    if (entry.databases === undefined) complain("databases", "must name the databases that may be opened, or say [\"*\"]");
    if (entry.grants?.length !== 1) complain("grants", "must be the one grant that the boundary logs in with");
    return;
  }
  for (const key of ONLY_POSTGRES) if (entry[key] !== undefined) complain(key, "has a meaning with handling postgres only");
  if (entry.schemes?.includes("http") === true && (entry.grants ?? []).length > 0) complain("schemes", "http with grants would send a credential in the clear");
}
