import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PYTHON, type StockAgents } from "../../../tools/stock-agents.ts";
import { GATEWAY_HOST } from "./gateway.ts";
import { REPOSITORY } from "./github-host.ts";
import { REGISTRY_HOST } from "./npm-registry.ts";
import { TASK_PROMPT, TURN_COMPLETE } from "./agent-task.ts";

/** A stock client, how its own documentation says to call it, and what tells that it did its work. */
export interface StockClient {
  readonly name: string;
  /** Which grant it works with. */
  readonly grant: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Written into the working directory before. */
  readonly files?: Readonly<Record<string, string>>;
  /** What its output must hold. */
  readonly expects: RegExp;
  /** Words that its provider must have noted, each once at least. */
  readonly steps: readonly string[];
  /** True if the task of agent-task.ts must have run. */
  readonly isAgent: boolean;
  /** Settings by which it asks `GATEWAY_HOST` instead of its provider. */
  readonly astray?: Readonly<Record<string, string>>;
  /** What keeps it from trying again for minutes when it is turned away; for the twin alone. */
  readonly impatient?: Readonly<Record<string, string>>;
}

const PROGRAMS = join(import.meta.dirname, "programs");
const program = (name: string): Readonly<Record<string, string>> => ({ [name]: readFileSync(join(PROGRAMS, name), "utf8") });

/** A provider of Codex's configuration that is OpenAI without WebSockets. */
const CODEX_SSE = ["-c", "model_provider=openai-http", "-c",
  'model_providers.openai-http={name="OpenAI over HTTP",base_url="https://api.openai.com/v1",env_key="OPENAI_API_KEY",wire_api="responses"}'];

const ANTHROPIC_ASTRAY = { ANTHROPIC_BASE_URL: `https://${GATEWAY_HOST}` };
const OPENAI_ASTRAY = { OPENAI_BASE_URL: `https://${GATEWAY_HOST}/v1` };

const TURN = ["tool call", "tool result"] as const;

/** All that the proof runs, in this order. */
export function stockClients({ claude, codex, gemini, nodeModules, pythonPackages }: StockAgents): readonly StockClient[] {
  const agent = (name: string, grant: string, command: readonly string[], more: Partial<StockClient> = {}): StockClient =>
    ({ name, grant, command, expects: TURN_COMPLETE, steps: TURN, isAgent: true, ...more });
  const library = (grant: "anthropic" | "openai", file: string) => ({ files: program(file), astray: grant === "openai" ? OPENAI_ASTRAY : ANTHROPIC_ASTRAY });
  const node = (name: string, grant: "anthropic" | "openai", file: string) =>
    agent(name, grant, ["node", file, TASK_PROMPT], { env: { NODE_PATH: nodeModules }, ...library(grant, file) });
  const python = (name: string, grant: "anthropic" | "openai", file: string) =>
    agent(name, grant, [PYTHON, file, TASK_PROMPT], { env: { PYTHONPATH: pythonPackages }, ...library(grant, file) });
  return [
    agent("Claude Code", "anthropic", [claude, "-p", TASK_PROMPT, "--allowedTools", "Bash"], { impatient: { CLAUDE_CODE_MAX_RETRIES: "0" }, astray: ANTHROPIC_ASTRAY }),
    agent("Codex, WebSocket", "openai", [codex, "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", TASK_PROMPT],
      { steps: TURN.map((step) => `${step} over WebSocket`) }),
    agent("Codex, events over HTTP", "openai", [codex, "exec", ...CODEX_SSE, "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", TASK_PROMPT]),
    node("@anthropic-ai/sdk", "anthropic", "anthropic-sdk.cjs"),
    node("openai for Node", "openai", "openai-sdk.cjs"),
    python("anthropic for Python", "anthropic", "anthropic_sdk.py"),
    python("openai for Python", "openai", "openai_sdk.py"),
    agent("Gemini CLI", "gemini", ["node", gemini, "-p", TASK_PROMPT, "--yolo", "--skip-trust"]),
    {
      name: "boto3", grant: "aws", command: [PYTHON, "s3.py"], env: { PYTHONPATH: pythonPackages }, files: program("s3.py"), isAgent: false,
      expects: /s3: \['notes\/a first note\.txt'\] written through the boundary 6291456/,
      steps: ["put", "list", "get", "begin upload", "part", "end upload", "head", "delete"],
    },
    ...otherClients(),
  ];
}

const REMOTE = `https://github.com/${REPOSITORY}.git`;
const COMMIT = "-c user.name=agent -c user.email=agent@example.test";

function otherClients(): readonly StockClient[] {
  return [
    {
      name: "git clone and push", grant: "github-git", isAgent: false, expects: /pushed/, steps: ["refs", "fetch", "push"],
      command: ["sh", "-ec", `git clone -q ${REMOTE} clone && cd clone && git switch -q -c work && head -c 2000000 /dev/urandom > file && git add file
        git ${COMMIT} commit -q -m 'Written by an agent' && git push -q origin work && echo pushed`],
    },
    { name: "gh api", grant: "github", command: ["gh", "api", "user", "--jq", ".login, .note"], isAgent: false, expects: /^weir-proof\nasked with /, steps: ["user"] },
    {
      name: "npm whoami", grant: "npm", isAgent: false, expects: /^weir-proof$/m, steps: ["whoami"],
      files: { ".npmrc": `registry=https://${REGISTRY_HOST}/\n//${REGISTRY_HOST}/:_authToken=\${NPM_TOKEN}\n`, "package.json": '{"name":"work","version":"1.0.0","private":true}\n' },
      command: ["npm", "whoami", "--fetch-retries", "0"],
    },
  ];
}
