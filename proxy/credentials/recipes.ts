import type { DummyShape } from "../../common/dummy-keys.ts";
import { ISSUING_PATHS } from "./issuing-paths.ts";

/**
 * What a grant of a well-known service says besides where its secret is. The fields are those of a grant, as they are written in the
 * configuration; what a grant gives itself wins (expand-recipe.ts).
 */
export interface Recipe {
  /** What it lends, for the documentation. */
  readonly about: string;
  readonly inject: Readonly<Record<string, string | readonly string[]>>;
  /** `hosts` is left out where every customer has names of their own: then the grant has to give them. */
  readonly bind: { readonly ports?: readonly number[] } & Partial<Readonly<Record<"hosts" | "methods" | "paths" | "notPaths", readonly string[]>>>;
  /** Dummies by which stock clients start, and settings that keep them from calling home. */
  readonly env: Readonly<Record<string, DummyShape | { readonly value: string } | { readonly file: string }>>;
}

const BEARER = { header: "authorization", format: "Bearer {secret}" };
const RAW = { header: "authorization", format: "{secret}" };
const plain = (header: string) => ({ header, format: "{secret}" });
const setTo = (value: string) => ({ value });
const ON = setTo("1");

/** Repositories of a forge are so many segments deep; what git asks for is always one of these below them (gitprotocol-http; Git LFS API). */
function gitPaths(...depths: readonly number[]): readonly string[] {
  return depths.map((depth) => "/*".repeat(depth)).flatMap((repository) =>
    ["info/refs", "git-upload-pack", "git-receive-pack", "info/lfs/**"].map((end) => `${repository}/${end}`));
}

const git = (about: string, host: string, forge: string, ...depths: readonly number[]): Recipe => ({
  about, inject: { type: "git", forge },
  bind: { hosts: [host], methods: ["GET", "POST", "PUT"], paths: gitPaths(...depths) },
  env: { GIT_TERMINAL_PROMPT: setTo("0") },
});

/** An API of one host with a bearer token, as most of them are. */
const bearer = (about: string, host: string, path: string, env: Recipe["env"]): Recipe => ({ about, inject: BEARER, bind: { hosts: [host], paths: [path] }, env });

const CLAUDE_QUIET = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: ON, DISABLE_AUTOUPDATER: ON, DISABLE_TELEMETRY: ON };

/** By name, but for the paths that they leave out. Sources: the services' API references and what their stock clients read and send. */
const WRITTEN: Readonly<Record<string, Recipe>> = {
  anthropic: {
    about: "An API key of Anthropic: Claude Code and the SDKs.",
    inject: plain("x-api-key"), bind: { hosts: ["api.anthropic.com"], paths: ["/v1/**"] },
    env: { ANTHROPIC_API_KEY: "anthropic", ...CLAUDE_QUIET },
  },
  "claude-subscription": {
    about: "A long-lived OAuth token of Claude Code (`claude setup-token`).",
    inject: BEARER, bind: { hosts: ["api.anthropic.com"], paths: ["/v1/**", "/api/**"] },
    env: { CLAUDE_CODE_OAUTH_TOKEN: "anthropic-oauth", ...CLAUDE_QUIET },
  },
  openai: {
    about: "An API key of OpenAI: Codex CLI (`codex exec`) and the SDKs.",
    inject: BEARER, bind: { hosts: ["api.openai.com"], paths: ["/v1/**"] },
    env: { OPENAI_API_KEY: "openai", CODEX_API_KEY: "openai" },
  },
  "azure-openai": {
    about: "A key of an Azure OpenAI resource; `bind.hosts` is RESOURCE.openai.azure.com.",
    inject: plain("api-key"), bind: { paths: ["/openai/**"] }, env: { AZURE_OPENAI_API_KEY: "opaque" },
  },
  gemini: {
    about: "An API key of the Gemini API: Gemini CLI and the SDKs.",
    inject: plain("x-goog-api-key"), bind: { hosts: ["generativelanguage.googleapis.com"] }, env: { GEMINI_API_KEY: "google" },
  },
  openrouter: bearer("An API key of OpenRouter.", "openrouter.ai", "/api/**", { OPENROUTER_API_KEY: "openrouter" }),
  mistral: bearer("An API key of Mistral.", "api.mistral.ai", "/v1/**", { MISTRAL_API_KEY: "opaque" }),
  groq: bearer("An API key of Groq.", "api.groq.com", "/openai/**", { GROQ_API_KEY: "groq" }),
  xai: bearer("An API key of xAI.", "api.x.ai", "/v1/**", { XAI_API_KEY: "xai" }),
  deepseek: bearer("An API key of DeepSeek.", "api.deepseek.com", "/**", { DEEPSEEK_API_KEY: "opaque" }),
  together: bearer("An API key of Together.", "api.together.xyz", "/v1/**", { TOGETHER_API_KEY: "opaque" }),
  cohere: bearer("An API key of Cohere.", "api.cohere.com", "/**", { CO_API_KEY: "opaque" }),
  bedrock: {
    about: "An API key of Amazon Bedrock; `bind.hosts` is bedrock-runtime.REGION.amazonaws.com.",
    inject: BEARER, bind: { paths: ["/model/**"] }, env: { AWS_BEARER_TOKEN_BEDROCK: "opaque", AWS_EC2_METADATA_DISABLED: setTo("true") },
  },
  huggingface: {
    about: "A token of Hugging Face: hub and inference router.",
    inject: BEARER, bind: { hosts: ["huggingface.co", "router.huggingface.co"] }, env: { HF_TOKEN: "huggingface", HF_HUB_DISABLE_TELEMETRY: ON, HF_HUB_DISABLE_XET: ON },
  },

  github: {
    about: "A token of GitHub for its API: gh and the SDKs. For git itself: `github-git`.",
    inject: BEARER, bind: { hosts: ["api.github.com", "uploads.github.com"] },
    env: { GH_TOKEN: "github", GITHUB_TOKEN: "github", GH_PROMPT_DISABLED: ON, GH_NO_UPDATE_NOTIFIER: ON },
  },
  "github-git": git("A token of GitHub for git over HTTPS.", "github.com", "github", 2),
  gitlab: {
    about: "A personal, project or group access token of gitlab.com for its API: glab. For git itself: `gitlab-git`.",
    inject: plain("private-token"), bind: { hosts: ["gitlab.com"], paths: ["/api/**"] },
    env: { GITLAB_TOKEN: "gitlab", NO_PROMPT: ON },
  },
  "gitlab-git": git("A token of gitlab.com for git over HTTPS, groups up to four deep.", "gitlab.com", "gitlab", 2, 3, 4, 5),
  "bitbucket-git": git("An access token of Bitbucket Cloud for git over HTTPS.", "bitbucket.org", "bitbucket", 2),

  npm: {
    about: "A token of registry.npmjs.org to read private packages. To publish, give `bind.methods: [GET, HEAD, PUT]`.",
    inject: BEARER, bind: { hosts: ["registry.npmjs.org"], methods: ["GET", "HEAD"] },
    env: {
      NPM_TOKEN: "npm", NODE_AUTH_TOKEN: "npm", NPM_CONFIG_UPDATE_NOTIFIER: setTo("false"),
      // npm takes a token from its configuration alone; it fills in the variable by itself.
      NPM_CONFIG_USERCONFIG: { file: "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n" },
    },
  },
  pypi: {
    about: "A token of PyPI to upload: twine, uv.",
    inject: { type: "basic", user: "__token__" }, bind: { hosts: ["upload.pypi.org"], methods: ["POST"], paths: ["/legacy/"] },
    env: { TWINE_USERNAME: setTo("__token__"), TWINE_PASSWORD: "pypi", TWINE_NON_INTERACTIVE: ON, UV_PUBLISH_TOKEN: "pypi" },
  },
  "crates-io": {
    about: "A token of crates.io: cargo.",
    inject: RAW, bind: { hosts: ["crates.io"], paths: ["/api/**"] }, env: { CARGO_REGISTRY_TOKEN: "crates-io" },
  },

  aws: {
    about: "An access key of AWS, by which requests are signed anew: aws, boto3, the SDKs. `inject.services` says for which, such as s3; `bind.hosts` are their endpoints.",
    inject: { type: "aws-sigv4", regions: ["*"] }, bind: {},
    env: { AWS_ACCESS_KEY_ID: "aws-access-key-id", AWS_SECRET_ACCESS_KEY: "aws-secret-access-key", AWS_EC2_METADATA_DISABLED: setTo("true") },
  },
  gcloud: {
    about: "An access token of Google Cloud: gcloud, and clients that take a token. `bind.hosts` are the APIs, such as storage.googleapis.com.",
    inject: BEARER, bind: {},
    env: { CLOUDSDK_AUTH_ACCESS_TOKEN: "google-access-token", CLOUDSDK_CORE_DISABLE_PROMPTS: ON, CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: setTo("true") },
  },

  postgres: {
    about: "A user of PostgreSQL: psql and the drivers. `bind.hosts` and `bind.databases` say where; the agent logs in with any name and password.",
    inject: { type: "postgres" }, bind: { ports: [5_432] }, env: { PGUSER: setTo("agent"), PGPASSWORD: "opaque" },
  },

  slack: {
    about: "A bot token of Slack for its web API.",
    inject: BEARER, bind: { hosts: ["slack.com"], paths: ["/api/**"] }, env: { SLACK_BOT_TOKEN: "slack", SLACK_TOKEN: "slack" },
  },
  notion: bearer("An integration's token of Notion.", "api.notion.com", "/v1/**", { NOTION_TOKEN: "notion" }),
  linear: {
    about: "A personal API key of Linear.",
    inject: RAW, bind: { hosts: ["api.linear.app"], methods: ["POST"], paths: ["/graphql"] }, env: { LINEAR_API_KEY: "linear" },
  },
  atlassian: {
    about: "An API token of Jira or Confluence Cloud; `bind.hosts` is SITE.atlassian.net, `inject.user` the account's address.",
    inject: { type: "basic" }, bind: { paths: ["/rest/**", "/wiki/**"] }, env: { JIRA_API_TOKEN: "opaque" },
  },
  sentry: bearer("An auth token of Sentry.", "sentry.io", "/api/**", { SENTRY_AUTH_TOKEN: "opaque" }),
  stripe: {
    about: "A secret or restricted key of Stripe.",
    inject: BEARER, bind: { hosts: ["api.stripe.com", "files.stripe.com"], methods: ["GET", "POST", "DELETE"], paths: ["/v1/**", "/v2/**"] },
    env: { STRIPE_API_KEY: "stripe", STRIPE_SECRET_KEY: "stripe" },
  },
  brave: {
    about: "A key of Brave Search.",
    inject: plain("x-subscription-token"), bind: { hosts: ["api.search.brave.com"], methods: ["GET", "POST"], paths: ["/res/**"] },
    env: { BRAVE_API_KEY: "brave" },
  },
  tavily: bearer("A key of Tavily.", "api.tavily.com", "/**", { TAVILY_API_KEY: "tavily" }),
  exa: { about: "A key of Exa.", inject: plain("x-api-key"), bind: { hosts: ["api.exa.ai"] }, env: { EXA_API_KEY: "opaque" } },
};

/** Recipes by the name that `use` of a grant takes. None of them lends anything where the service would answer with a credential of its own. */
export const RECIPES: Readonly<Record<string, Recipe>> = Object.fromEntries(Object.entries(WRITTEN).map(([name, recipe]) => {
  const notPaths = ISSUING_PATHS[name];
  return [name, notPaths === undefined ? recipe : { ...recipe, bind: { ...recipe.bind, notPaths } }];
}));
