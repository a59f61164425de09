import type { PolicyAgent, PolicyConnection, PolicyInput, PolicyRequest } from "../../proxy/policy/policy-engine.ts";

/** Builders of policy inputs: a GET of an https API by `default/reviewer`, with the given differences. */
export interface Differences {
  readonly agent?: Partial<PolicyAgent>;
  readonly connection?: Partial<PolicyConnection>;
  readonly request?: Partial<PolicyRequest>;
}

export function anExchange({ agent = {}, connection = {}, request = {} }: Differences = {}): PolicyInput {
  const name = connection.name ?? "api.example.com";
  return {
    ...aConnection({ agent, connection }),
    request: { method: "GET", scheme: "https", host: name, port: connection.port ?? 443, path: ["v1", "models"], query: {}, headers: { accept: "*/*" }, upgrade: null, ...request },
  };
}

export function aConnection({ agent = {}, connection = {} }: Differences = {}): PolicyInput {
  return {
    version: 1,
    agent: { namespace: "default", name: "reviewer", thread: "t-1", user: "ada", labels: { team: "a" }, chain: [], ...agent },
    connection: { name: "api.example.com", is_address: false, port: 443, wire: "tls", sni: null, alpn: ["h2"], ...connection },
    budgets: {},
    time: "2026-01-01T00:00:00.000Z",
  };
}

export function aName(name: string): PolicyInput {
  const { connection: _, ...rest } = aConnection();
  return { ...rest, dns: { name, type: "A" } };
}
