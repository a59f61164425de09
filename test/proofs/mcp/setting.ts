import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { agentFetch, type AgentFetch } from "../../support/mcp/agent-fetch.ts";
import { PATHS, startMcpDestination, type McpDestination } from "../../support/mcp/mcp-destination.ts";
import { startStand, type Stand } from "../../support/running-proxy.ts";
import { mintAuthority } from "../../support/tls-authority.ts";
import { LivePolicy } from "../../support/whole-proxy.ts";

export const HOST = "mcp.proof.test";
export const ORIGIN = `https://${HOST}`;

/** What an agent may do at every server of the proof. */
export const RULES = {
  tools: [
    { name: "read_file", arguments: { path: { within: "/workspace" } }, only_these: true },
    "count", "grow", "grown_ok", { name: "route", arguments: { region: { one_of: ["eu", "zürich"] } } }, "ask_model", "ask_user", "ask_roots",
    { name: "pay", arguments: { to: { one_of: [9_007_199_254_740_992] } } },
  ],
  resources: ["file:///workspace/*"],
  prompts: ["review"],
  from_server: ["elicitation/create"],
};

export function policyWith(rules: object): Record<string, unknown> {
  return { hosts: [{ name: HOST, rule: "mcp.proof", mcp: rules }] };
}

/** A whole proxy, servers of MCP behind it, and agents in front of it. */
export interface Setting {
  readonly stand: Stand;
  readonly policy: LivePolicy;
  readonly destination: McpDestination;
  /** What `/raw` answers. */
  readonly raw: { type: string; text: string };
  /** Of one instance; the same one for the same name. */
  agent(instance: string): AgentFetch;
  /** A client of the official library, connected; closed with the setting. */
  connect(path: string, instance?: string): Promise<ConnectedClient>;
  close(): Promise<void>;
}

export interface ConnectedClient {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport | SSEClientTransport;
  /** Methods of the server's requests that reached the agent. */
  readonly heard: string[];
}

export async function openSetting(): Promise<Setting> {
  const authority = await mintAuthority();
  const raw = { type: "application/json", text: "" };
  const destination = await startMcpDestination(await authority.leaf([HOST]), () => raw);
  const policy = new LivePolicy(policyWith(RULES));
  const stand = await startStand({ authority, policyData: {}, routes: [{ name: HOST, port: 443, dialPort: destination.port }], config: { policy: policy.config, drainTimeoutMs: 0 } });
  const agents = new Map<string, AgentFetch>();
  const agent = (instance: string) => {
    const one = agents.get(instance) ?? agentFetch(stand, instance);
    agents.set(instance, one);
    return one;
  };
  const clients: Client[] = [];
  return {
    stand, policy, destination, raw, agent,
    connect: async (path, instance = "i1") => {
      const connected = await connect(path, agent(instance).fetch);
      clients.push(connected.client);
      return connected;
    },
    close: async () => {
      await Promise.all(clients.map(async (client) => client.close()));
      await Promise.all([...agents.values()].map(async (one) => one.close()));
      await stand.stop();
      await destination.close();
      policy[Symbol.dispose]();
    },
  };
}

async function connect(path: string, fetch: AgentFetch["fetch"]): Promise<ConnectedClient> {
  const heard: string[] = [];
  const client = new Client({ name: "agent", version: "1.0.0" }, { capabilities: { sampling: {}, elicitation: {}, roots: {} } });
  client.setRequestHandler(CreateMessageRequestSchema, ({ method }) => {
    heard.push(method);
    return { model: "m", role: "assistant", content: { type: "text", text: "SAMPLED" } };
  });
  client.setRequestHandler(ElicitRequestSchema, ({ method }) => {
    heard.push(method);
    return { action: "accept", content: { name: "ELICITED" } };
  });
  client.setRequestHandler(ListRootsRequestSchema, ({ method }) => {
    heard.push(method);
    return { roots: [{ uri: "file:///workspace" }] };
  });
  const url = new URL(path, ORIGIN);
  const transport = path === PATHS.sse ? new SSEClientTransport(url, { fetch })
    : new StreamableHTTPClientTransport(url, { fetch, reconnectionOptions: { initialReconnectionDelay: 20, maxReconnectionDelay: 100, reconnectionDelayGrowFactor: 1, maxRetries: 20 } });
  await client.connect(transport);
  return { client, transport, heard };
}
