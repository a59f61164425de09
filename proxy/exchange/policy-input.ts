import type { Opened } from "../model/connection.ts";
import { destinationHost } from "../model/connection.ts";
import type { HeaderList, RequestHead } from "../model/request.ts";
import type { PolicyBudget } from "../model/standing.ts";
import type { PolicyAgent, PolicyConnection, PolicyInput, PolicyRequest } from "../policy/policy-engine.ts";

/** The parts of the input that no request changes, built once for each connection. */
const fixedParts = new WeakMap<Opened, { readonly agent: PolicyAgent; readonly connection: PolicyConnection }>();

/** Builds the input of the question `exchange`. Tables have no prototype: a key called `__proto__` is data. */
export function policyInput(head: RequestHead, connection: Opened, budgets: Readonly<Record<string, PolicyBudget>>, nowMs: number): PolicyInput {
  let fixed = fixedParts.get(connection);
  if (fixed === undefined) {
    fixed = { agent: policyAgent(connection), connection: policyConnection(connection) };
    fixedParts.set(connection, fixed);
  }
  return {
    version: 1, agent: fixed.agent, connection: fixed.connection, request: policyRequest(head), budgets, time: new Date(nowMs).toISOString(),
  };
}

function policyAgent({ agent }: Opened): PolicyAgent {
  const { namespace, name, thread, user, labels, chain } = agent;
  return { namespace, name, thread, user, labels, chain };
}

function policyConnection({ destination, wire }: Opened): PolicyConnection {
  const isTls = wire.kind === "tls";
  return {
    name: destinationHost(destination), is_address: destination.kind === "address", port: destination.port,
    wire: wire.kind, sni: isTls ? wire.serverName : null, alpn: isTls ? wire.alpn : [],
  };
}

/** What policy sees of a head. */
export function policyRequest(head: RequestHead): PolicyRequest {
  return {
    method: head.method, scheme: head.scheme, host: head.host, port: head.port, path: head.segments,
    query: readQuery(head.query), headers: joinFields(head.headers), upgrade: head.upgrade, has_body: head.framing.kind !== "none",
  };
}

/** Parameter name → values, decoded; what is no valid escape stays as it is. */
export function readQuery(query: string | null): Record<string, string[]> {
  const values: Record<string, string[]> = Object.create(null);
  if (query === null || query === "") return values;
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = decode(equals === -1 ? pair : pair.slice(0, equals));
    (values[key] ??= []).push(equals === -1 ? "" : decode(pair.slice(equals + 1)));
  }
  return values;
}

function decode(text: string): string {
  if (!text.includes("%") && !text.includes("+")) return text;
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

function joinFields(headers: HeaderList): Record<string, string> {
  const joined: Record<string, string> = Object.create(null);
  for (const [name, value] of headers) {
    const before = joined[name];
    joined[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return joined;
}
