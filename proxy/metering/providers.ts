/** How a provider's paths are read: `compatible` for those that speak OpenAI's API under some prefix. */
export type PathStyle = "openai" | "azure" | "anthropic" | "google" | "vertex" | "bedrock" | "mistral" | "openrouter" | "codex" | "compatible" | "unmetered";

/** A provider of models, by its host. */
export interface KnownProvider {
  /** As the price table calls it. */
  readonly id: string;
  readonly paths: PathStyle;
}

/** Exact names. Those of the last style belong to providers whose calls cannot be counted there: regional prices, plans, other products. */
const HOSTS: Readonly<Record<string, readonly [id: string, paths: PathStyle]>> = {
  "api.openai.com": ["openai", "openai"],
  "chatgpt.com": ["openai", "codex"],
  "api.anthropic.com": ["anthropic", "anthropic"],
  "generativelanguage.googleapis.com": ["google", "google"],
  "aiplatform.googleapis.com": ["google", "vertex"],
  "cloudcode-pa.googleapis.com": ["google", "unmetered"],
  "api.mistral.ai": ["mistral", "mistral"],
  "codestral.mistral.ai": ["mistral", "mistral"],
  "openrouter.ai": ["openrouter", "openrouter"],
  "api.openrouter.ai": ["openrouter", "openrouter"],
  "api.x.ai": ["x-ai", "compatible"],
  "api.groq.com": ["groq", "compatible"],
  "api.deepseek.com": ["deepseek", "compatible"],
  "api.cerebras.ai": ["cerebras", "compatible"],
  "api.fireworks.ai": ["fireworks", "compatible"],
  "api.together.xyz": ["together", "compatible"],
  "api.together.ai": ["together", "compatible"],
  "api.perplexity.ai": ["perplexity", "compatible"],
  "api.moonshot.ai": ["moonshotai", "compatible"],
  "api.moonshot.cn": ["moonshotai", "compatible"],
  "api.minimax.io": ["minimax", "compatible"],
  "api.minimaxi.com": ["minimax", "compatible"],
  "api.z.ai": ["zai", "compatible"],
  "open.bigmodel.cn": ["zhipuai", "compatible"],
  "api.novita.ai": ["novita", "compatible"],
  "api.cohere.com": ["cohere", "compatible"],
  "api.cohere.ai": ["cohere", "compatible"],
  "inference.baseten.co": ["baseten", "compatible"],
  "api.avian.io": ["avian", "compatible"],
  "api.arcee.ai": ["arcee", "compatible"],
  "api.doubleword.ai": ["doubleword", "compatible"],
  "api.githubcopilot.com": ["github-copilot", "compatible"],
  "oai.endpoints.kepler.ai.cloud.ovh.net": ["ovhcloud", "compatible"],
  "router.huggingface.co": ["huggingface", "unmetered"],
  "api.voyageai.com": ["voyageai", "compatible"],
};

/** Names by their form. Regions of OpenAI have prices of their own, which the table does not know. */
const PATTERNS: readonly (readonly [pattern: RegExp, id: string, paths: PathStyle])[] = [
  [/\.api\.openai\.com$/, "openai", "unmetered"],
  [/\.(?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us|cn)$/, "azure", "azure"],
  [/^[a-z0-9-]+-aiplatform\.googleapis\.com$/, "google", "vertex"],
  [/^aiplatform\.[a-z0-9-]+\.rep\.googleapis\.com$/, "google", "vertex"],
  [/^bedrock-runtime(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/, "aws", "bedrock"],
  [/\.bedrock-runtime(?:-fips)?\.[a-z0-9-]+\.vpce\.amazonaws\.com$/, "aws", "bedrock"],
  [/^bedrock(?:-agent-runtime|-agentcore|-mantle)(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/, "aws", "unmetered"],
  [/^[a-z0-9-]+\.api\.x\.ai$/, "x-ai", "compatible"],
  [/^[a-z0-9-]+\.api\.cohere\.(?:com|ai)$/, "cohere", "compatible"],
];

/** @param host lower case, no trailing dot @returns null for hosts of nobody who sells tokens */
export function knownProvider(host: string): KnownProvider | null {
  const exact = Object.hasOwn(HOSTS, host) ? HOSTS[host] : undefined;
  if (exact !== undefined) return { id: exact[0], paths: exact[1] };
  const found = PATTERNS.find(([pattern]) => pattern.test(host));
  return found === undefined ? null : { id: found[1], paths: found[2] };
}
