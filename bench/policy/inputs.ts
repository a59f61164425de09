import type { PolicyInput } from "../../proxy/policy/policy-engine.ts";

/** Entries of `hosts`: every tenth a wildcard, each with paths, a grant and agents. */
export function entries(count: number): object[] {
  return Array.from({ length: count }, (_, index) => ({
    name: index % 10 === 9 ? `*.zone-${index}.example.com` : `api-${index}.example.com`,
    paths: ["/v1/**", "/health"], grants: [`grant-${index}`], agents: ["default/*"],
  }));
}

/** About 1.5 KB: what a command-line client sends. */
export function anInput(host: string, method: string): PolicyInput {
  const headers = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`x-header-${index}`, "value ".repeat(10).trim()]));
  return {
    version: 1,
    agent: { namespace: "default", name: "reviewer", thread: "thread-0001", user: "ada@example.com", labels: { team: "platform", tier: "internal" }, chain: ["planner"] },
    connection: { name: host, is_address: false, port: 443, wire: "tls", sni: host, alpn: ["h2", "http/1.1"] },
    request: {
      method, scheme: "https", host, port: 443, path: ["v1", "projects", "42", "items"], query: { page: ["1"] },
      headers: { "user-agent": "curl/8.5.0", accept: "*/*", ...headers }, upgrade: null,
    },
    budgets: { agent: { limit: 1_000, spent: 10, reserved: 1 } },
    time: "2026-01-01T00:00:00.000Z",
  };
}

/** By another agent each time, so that nothing comes from memory. */
export function byAgent(input: PolicyInput, count: number): PolicyInput {
  return { ...input, agent: { ...input.agent, name: `reviewer-${count}` } };
}
