import { join } from "node:path";
import { PYTHON, type StockAgents } from "../../../tools/stock-agents.ts";

/** A client library, unmodified and with its usual retries, and the budget that pays for it. */
export interface StoppedClient {
  readonly name: string;
  readonly budget: BudgetName;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** An agent that decides by itself what to ask, and how often. */
export interface StockAgent extends StoppedClient {
  /** Most requests that it may make in ten seconds against a budget that is used up: what it asks beside its turn, and a second try of each. */
  readonly mostInTenSeconds: number;
}

/** Dollars that pay for a few calls of each: what a call holds is most of it. */
export const BUDGETS = { "openai-cap": "0.0003", "anthropic-cap": "0.0022", "aws-cap": "0.0025" } as const;
export type BudgetName = keyof typeof BUDGETS;

/** What is lent: the libraries find dummies of it in their environment. boto3 brings keys of its own, which open nothing. */
export const GRANTS = ["openai", "anthropic"] as const;

export const HOSTS: readonly { readonly name: string; readonly budget: BudgetName; readonly grants: readonly string[] }[] = [
  { name: "api.openai.com", budget: "openai-cap", grants: ["openai"] },
  { name: "api.anthropic.com", budget: "anthropic-cap", grants: ["anthropic"] },
  { name: "bedrock-runtime.us-east-1.amazonaws.com", budget: "aws-cap", grants: [] },
];

export const PROGRAMS = join(import.meta.dirname, "programs");

/** @param isShort one form of each library */
export function stoppedClients({ nodeModules, pythonPackages }: StockAgents, isShort: boolean): readonly StoppedClient[] {
  const node = (name: string, budget: BudgetName, file: string) => ({ name, budget, command: ["node", file], env: { NODE_PATH: nodeModules } });
  const python = (name: string, budget: BudgetName, file: string) => ({ name, budget, command: [PYTHON, file], env: { PYTHONPATH: pythonPackages } });
  const libraries = [
    node("openai for Node", "openai-cap", "openai-sdk.cjs"),
    node("openai for Node, responses", "openai-cap", "openai-responses-sdk.cjs"),
    node("@anthropic-ai/sdk", "anthropic-cap", "anthropic-sdk.cjs"),
    python("openai for Python", "openai-cap", "openai_sdk.py"),
    python("anthropic for Python", "anthropic-cap", "anthropic_sdk.py"),
    python("boto3", "aws-cap", "bedrock.py"),
  ];
  return libraries.flatMap((library, index) => {
    const forms = isShort ? [index % 2 === 0 ? "stream" : "json"] : ["json", "stream"];
    return forms.map((form) => ({ ...library, name: `${library.name}, ${form}`, command: [...library.command, form] }));
  });
}

export function stockAgents({ claude, codex }: StockAgents): readonly StockAgent[] {
  return [
    { name: "Claude Code", budget: "anthropic-cap", command: [claude, "-p", "Say hello."], env: {}, mostInTenSeconds: 6 },
    {
      // A model that has a price, and no search whose price nobody bounds; it asks over a WebSocket first, which is refused too.
      name: "Codex", budget: "openai-cap",
      command: [codex, "exec", "-m", "gpt-5.5", "-c", 'web_search="disabled"', "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "Say hello."],
      env: {}, mostInTenSeconds: 12,
    },
  ];
}
