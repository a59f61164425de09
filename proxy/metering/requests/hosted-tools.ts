import { Fields, isObject, objectsOf } from "./fields.ts";
import type { Reading } from "./reading.ts";

/**
 * What a tool that the provider runs brings with it: servers that it calls (`mcp:mcp.example.com`, `mcp:connector_gmail`), skills that it loads (`skill:pptx`),
 * and a model of its own, which policy is asked about as about any other.
 */
export function readHostedTool(tool: Fields, type: string, reading: Reading): void {
  if (type === "mcp") reading.toolNames.push(...serverNames(tool));
  const environment = tool.get("environment");
  if (isObject(environment)) readSkills(new Fields(environment), reading);
  readModels(tool, reading);
}

/** Servers of MCP that a request names beside its tools (https://platform.claude.com/docs/en/agents-and-tools/mcp-connector), or that stand in a tool of Gemini's. */
export function readMcpServers(holder: Fields, reading: Reading): void {
  const servers = ["mcp_servers", "mcpServers"].map((name) => (holder.keys().includes(name) ? holder.get(name) : undefined)).filter(Array.isArray).flat();
  for (const server of servers) reading.toolNames.push(...(isObject(server) ? serverNames(new Fields(server)) : ["mcp:"]));
}

/** Skills that the provider loads for its tools (https://platform.claude.com/docs/en/build-with-claude/skills-guide). @param holder a container, or an environment */
export function readSkills(holder: Fields, reading: Reading): void {
  const skills = holder.get("skills");
  if (skills === undefined) return;
  for (const skill of objectsOf(Array.isArray(skills) ? skills : [skills])) reading.toolNames.push(`skill:${textOf(skill, "skill_id") ?? textOf(skill, "name") ?? ""}`);
}

/** Where a server is said to be: by the host alone, because addresses have credentials in them. */
const SERVER_KEYS = ["server_url", "url", "connector_id"] as const;

function serverNames(server: Fields): readonly string[] {
  const transport = server.get("streamableHttpTransport") ?? server.get("streamable_http_transport");
  const holders = [server, ...(isObject(transport) ? [new Fields(transport)] : [])];
  const places = holders.flatMap((holder) => SERVER_KEYS.map((key) => textOf(holder, key)).filter((place) => place !== null));
  return places.length === 0 ? ["mcp:"] : places.map((place) => `mcp:${URL.parse(place)?.host ?? place.replace(/[/?#@].*$/s, "")}`);
}

/** A model that answers in the tool, by any key that says so; what is not said plainly is not read. */
function readModels(tool: Fields, reading: Reading): void {
  const settings = ["parameters", "config"].map((key) => tool.get(key)).filter(isObject).map((one) => new Fields(one));
  for (const holder of [tool, ...settings]) {
    for (const key of holder.keys().filter((name) => /model/i.test(name))) {
      const said = holder.get(key);
      if (key === "model" && typeof said === "string") reading.model(said);
      else if (said !== undefined) reading.leaves("models");
    }
  }
}

function textOf(holder: Fields, key: string): string | null {
  const value = holder.get(key);
  return typeof value === "string" ? value : null;
}
