/** An entry of `data.yaml` as it is proposed: methods written out, readings by names and values. */
export interface ProposedEntry extends Readonly<Record<string, unknown>> {
  readonly methods?: readonly string[];
  readonly paths?: readonly string[];
}

interface ProposedTool {
  readonly name: string;
  readonly arguments: Readonly<Record<string, object>>;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * What an entry allows beyond what it names, in words: each thing that a request may differ in and still be covered. Told from the entry alone, so that
 * nothing depends on how it was found.
 */
export function opensOf(entry: ProposedEntry): string[] {
  if (entry["handling"] === "tunnel") return ["all bytes of the connection, unread"];
  if (entry["handling"] === "postgres") return ["every statement that the credential may run in the database"];
  return [...headOpens(entry), ...READING_OPENS.flatMap(([key, opens]) => (entry[key] === undefined ? [] : opens(entry[key] as Fields))), ...bodyOpens(entry)];
}

function headOpens({ methods, paths, git, grpc, websocket }: ProposedEntry): string[] {
  const pathOpens = paths === undefined ? (git === undefined && grpc === undefined ? ["every path"] : []) : paths.some((path) => path.includes("*")) ? ["any segment in the place of each `*`"] : [];
  return [
    ...(methods === undefined ? ["GET and HEAD: it was refused before it said what it wants; narrow it"] : []), ...pathOpens, "any query and header fields",
    ...(websocket === true ? ["all that flows in the WebSocket, unread"] : []),
  ];
}

function bodyOpens({ methods = [], git, grpc, llm, mcp, graphql, json }: ProposedEntry): string[] {
  const isRead = [git, grpc, llm, mcp, graphql, json].some((reading) => reading !== undefined);
  return isRead || methods.every((method) => method === "GET" || method === "HEAD") ? [] : ["any body"];
}

const READING_OPENS: readonly (readonly [string, (rules: Fields) => string[]])[] = [
  ["git", ({ access }) => [access === "write" ? "every push to these repositories, and every fetch from them" : "every fetch from these repositories"]],
  ["grpc", () => ["any content of the messages"]],
  ["llm", ({ tools }) => [
    "whatever is said to the model, and any number of output tokens", ...(tools === undefined ? ["any tools that are offered to the model"] : ["also fewer of the tools, or none"]),
  ]],
  ["graphql", ({ names, fields }) => [
    ...(names === undefined ? ["operations of any name"] : []), "any arguments of the fields, and anything below them", ...(several(fields) ? ["also fewer of the fields"] : []),
  ]],
  ["mcp", mcpOpens],
  ["json", (rules) => ["any other keys of the JSON body", ...anyValues(rules).map((place) => `any value at ${place} of the JSON body`)]],
];

function mcpOpens({ methods, tools, resources, prompts, from_server: fromServer }: Fields): string[] {
  const named = (tools ?? []) as readonly (string | ProposedTool)[];
  const free = named.filter((tool) => typeof tool === "string");
  return [
    ...(methods === undefined ? ["what every MCP client needs to begin, and lists of what is named"] : ["any parameters of the methods"]),
    ...(free.length === 0 ? [] : [`any arguments of the tools ${free.join(", ")}`]),
    ...named.flatMap((tool) => (typeof tool === "string" ? [] : anyValues(tool.arguments).map((key) => `any value of the argument ${key} of the tool ${tool.name}`))),
    ...(resources === undefined ? [] : ["subscriptions to the resources"]), ...(prompts === undefined ? [] : ["any arguments of the prompts"]),
    ...(fromServer === undefined ? [] : ["any parameters of what the server asks"]),
  ];
}

/** Places that are bound to a kind alone. */
function anyValues(rules: Fields): string[] {
  return Object.entries(rules).filter(([, rule]) => !("one_of" in (rule as object))).map(([place]) => place);
}

function several(list: unknown): boolean {
  return Array.isArray(list) && list.length > 1;
}
