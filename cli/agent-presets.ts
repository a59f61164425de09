import { EXIT, UserError } from "../common/exit-codes.ts";
import { STARTER_CONFIG } from "./starter-config.ts";

/** What a stock agent needs of configuration and policy. The proof `stock-agents` runs each agent on what is written for it. */
interface AgentPreset {
  /** Recipe of its grant, which is also the grant's name (docs/credentials.md). */
  readonly recipe: string;
  readonly host: string;
  /** All that it needs of the host; what it asks besides is refused, and it works without. */
  readonly path: string;
  /** One of those requests, for the policy's test. */
  readonly asks: string;
  /** True if it opens a WebSocket first; without one it tries for ten seconds and then goes on. */
  readonly hasWebSocket: boolean;
  /** How it is called. */
  readonly command: string;
}

const AGENT_PRESETS = {
  claude: { recipe: "anthropic", host: "api.anthropic.com", path: "/v1/**", asks: "/v1/messages", hasWebSocket: false, command: 'claude -p "say hello"' },
  codex: {
    recipe: "openai", host: "api.openai.com", path: "/v1/**", asks: "/v1/responses", hasWebSocket: true,
    // Its own sandbox cannot be made inside of another one.
    command: 'codex exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox "say hello"',
  },
  gemini: {
    recipe: "gemini", host: "generativelanguage.googleapis.com", path: "/v1beta/**", asks: "/v1beta/models/gemini-3-pro:streamGenerateContent", hasWebSocket: false,
    command: 'gemini --skip-trust -p "say hello"',
  },
} as const satisfies Record<string, AgentPreset>;

/** Names that `weir init --for` takes. */
export const PRESET_NAMES = Object.keys(AGENT_PRESETS);

/** What `weir init --for` writes, and what is left to do. */
export interface PresetFiles {
  readonly config: string;
  readonly policyData: string;
  readonly policyTest: string;
  /** Files that have to be given a key, relative to the configuration. */
  readonly secretFiles: readonly string[];
  readonly commands: readonly string[];
}

/**
 * Configuration, policy and its test for stock agents.
 * @param names separated by commas
 * @throws UserError for a name that is none
 */
export function presetFiles(names: string): PresetFiles {
  const presets = [...new Set(names.split(",").map((name) => name.trim()))].map(presetOf);
  return {
    config: configFor(presets), policyData: policyFor(presets), policyTest: testFor(presets),
    secretFiles: presets.map(secretFile), commands: presets.map(({ command }) => command),
  };
}

function presetOf(name: string): AgentPreset {
  if (Object.hasOwn(AGENT_PRESETS, name)) return AGENT_PRESETS[name as keyof typeof AGENT_PRESETS];
  throw new UserError(`--for ${name}: no such agent`, `Known are ${PRESET_NAMES.join(", ")}; for others start with \`weir init\`.`, EXIT.usage);
}

const secretFile = ({ recipe }: AgentPreset): string => `secrets/${recipe}`;

/** The starter configuration with grants in the place of the example of one. */
function configFor(presets: readonly AgentPreset[]): string {
  const [before = "", example = ""] = STARTER_CONFIG.split(/^# grants:\n/m);
  const grants = presets.map((preset) => `  ${preset.recipe}:
    use: ${preset.recipe}   # header, hosts and dummies of a stock service: docs/credentials.md
    credential:
      type: file
      path: ${secretFile(preset)}   # mode 0600; hidden from the agent
`).join("");
  return `${before}grants:\n${grants}${example.replace(/^(#  .*\n)+/, "")}`;
}

function policyFor(presets: readonly AgentPreset[]): string {
  const hosts = presets.map(({ recipe, host, path, hasWebSocket }) => `  - name: ${host}
    rule: model.${recipe}
    methods: [GET, POST]
    paths: ["${path}"]
${hasWebSocket ? "    websocket: true\n" : ""}    grants: [${recipe}]
`);
  return `# What agents may reach. Everything that is not written here is refused, and every refusal says which line would allow it.
# Changes are taken up while agents run. Test it: weir policy test policy

hosts:
${hosts.join("\n")}`;
}

function testFor(presets: readonly AgentPreset[]): string {
  const cases = presets.flatMap(({ recipe, host, asks }) => [
    `  - name: the model of ${recipe} can be asked
    host: ${host}
    method: POST
    path: ${asks}
    expect: allow
    rule: model.${recipe}
`,
    `  - name: ${host} is not told what happens
    host: ${host}
    method: POST
    path: /telemetry
    expect: deny
    rule: model.${recipe}
`,
  ]);
  return `# Requests and what must become of them: weir policy test policy
cases:
${[...cases, `  - name: a host that nobody listed is refused
    host: elsewhere.test
    method: GET
    expect: deny
    rule: hosts.default
`].join("\n")}`;
}
