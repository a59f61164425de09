import { sellerOf } from "./sellers.ts";

/** How a provider's paths are read: `compatible` for those that speak OpenAI's API under some prefix. */
export type PathStyle = "openai" | "azure" | "anthropic" | "google" | "vertex" | "bedrock" | "mistral" | "openrouter" | "codex" | "compatible" | "unmetered";

/** A provider of models, by its host. */
export interface KnownProvider {
  /** As the price table calls it. */
  readonly id: string;
  readonly paths: PathStyle;
}

/** Exact names of those whose calls are read. Those of the last style belong to providers whose calls cannot be counted there: regional prices, plans, other products. */
const HOSTS: Readonly<Record<string, readonly [id: string, paths: PathStyle]>> = {
  "api.openai.com": ["openai", "openai"],
  "chatgpt.com": ["openai", "codex"],
  "www.chatgpt.com": ["openai", "codex"],
  "chat.openai.com": ["openai", "codex"],
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
  "api.voyageai.com": ["voyageai", "compatible"],
};

/** Names by their form. Those of Google and of Amazon that are not read are theirs all the same: over mutual TLS, of a sandbox, of batches and agents. */
const PATTERNS: readonly (readonly [pattern: RegExp, id: string, paths: PathStyle])[] = [
  [/\.(?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us|cn)$/, "azure", "azure"],
  [/\.(?:(?:models|inference)\.ai\.azure\.(?:com|us|cn)|api\.cognitive\.microsoft\.(?:com|us)|api\.cognitive\.azure\.cn)$/, "azure", "unmetered"],
  [/^[a-z0-9-]+-aiplatform\.googleapis\.com$/, "google", "vertex"],
  [/^aiplatform\.[a-z0-9-]+\.rep\.googleapis\.com$/, "google", "vertex"],
  [/^bedrock-runtime(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/, "aws", "bedrock"],
  [/\.bedrock-runtime(?:-fips)?\.[a-z0-9-]+\.vpce\.amazonaws\.com$/, "aws", "bedrock"],
  [/(?:^|[.-])(?:generativelanguage|aiplatform|cloudcode-pa|cloudaicompanion)(?:[.-](?!.*\bstorage\.)[a-z0-9.-]*)?\.(?:googleapis\.com|clients6\.google\.com)$/, "google", "unmetered"],
  [/\.prediction\.vertexai\.goog$/, "google", "unmetered"],
  [/(?:^|\.)bedrock(?:-[a-z-]+)?\.[a-z0-9-]+\.(?:vpce\.)?(?:amazonaws\.(?:com(?:\.cn)?|eu)|api\.aws|api\.amazonwebservices\.com\.cn|c2s\.ic\.gov|sc2s\.sgov\.gov)$/, "aws", "unmetered"],
  [/(?:^|\.)aws-external-anthropic(?:-[a-z-]+)?\.[a-z0-9-]+\.(?:vpce\.)?(?:api\.aws|amazonaws\.com)$/, "anthropic", "unmetered"],
  [/^api(?:-[a-z]+)?\.(?:anthropic|claude)\.com$/, "anthropic", "unmetered"],
  [/^[a-z0-9-]+\.api\.x\.ai$/, "x-ai", "compatible"],
  [/^(?:copilot-)?(?:api|proxy)\.[a-z0-9-]+\.githubcopilot\.com$/, "github-copilot", "compatible"],
  [/^copilot-(?:api|proxy)\.[a-z0-9-]+\.ghe\.com$/, "github-copilot", "unmetered"],
  [/\.direct\.fireworks\.ai$/, "fireworks", "unmetered"],
  [/^[a-z0-9-]+\.api\.cohere\.(?:com|ai)$/, "cohere", "compatible"],
];

/** @param host lower case, no trailing dot @returns null for hosts of nobody who sells tokens */
export function knownProvider(host: string): KnownProvider | null {
  const exact = Object.hasOwn(HOSTS, host) ? HOSTS[host] : undefined;
  if (exact !== undefined) return { id: exact[0], paths: exact[1] };
  const found = PATTERNS.find(([pattern]) => pattern.test(host));
  if (found !== undefined) return { id: found[1], paths: found[2] };
  const seller = sellerOf(host) ?? regionOf(host);
  return seller === null ? null : { id: seller, paths: "unmetered" };
}

/** A name below a provider's is a region of it, whose prices the table does not know. Below a plan's are all kinds of things. */
function regionOf(host: string): string | null {
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
    const parent = host.slice(dot + 1);
    const [id, paths] = (Object.hasOwn(HOSTS, parent) ? HOSTS[parent] : undefined) ?? [null, "codex"];
    if (id !== null && paths !== "codex") return id;
  }
  return null;
}
