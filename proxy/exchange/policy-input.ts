import { decodeParameter, queryPairs } from "../../common/http/query.ts";
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
    query: lenientQuery(head.query), headers: joinFields(head.headers), upgrade: head.upgrade, has_body: head.framing.kind !== "none",
  };
}

/** Parameter name → values, decoded. Lenient, because nothing is refused for its query alone: what is no valid escape stays as it is. */
export function lenientQuery(query: string | null): Record<string, string[]> {
  const values: Record<string, string[]> = Object.create(null);
  for (const [name, value] of queryPairs(query)) (values[decodedOrAsIs(name)] ??= []).push(decodedOrAsIs(value));
  return values;
}

function decodedOrAsIs(text: string): string {
  const { spaced, decoded } = decodeParameter(text);
  return decoded ?? spaced;
}

function joinFields(headers: HeaderList): Record<string, string> {
  const joined: Record<string, string> = Object.create(null);
  for (const [name, value] of headers) {
    const before = joined[name];
    joined[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return joined;
}
