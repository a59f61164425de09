import { createHash } from "node:crypto";

/** Shapes of keys that stock clients check before they start. `auto` chooses by the name of the variable. */
export const DUMMY_SHAPES = [
  "auto", "anthropic", "anthropic-oauth", "openai", "google", "github", "github-fine-grained", "gitlab", "aws-access-key-id", "aws-secret-access-key",
  "slack", "npm", "pypi", "crates-io", "docker", "huggingface", "stripe", "openrouter", "groq", "xai", "notion", "linear", "brave", "tavily",
  "google-access-token", "jwt", "opaque",
] as const;
export type DummyShape = (typeof DUMMY_SHAPES)[number];
type MadeShape = Exclude<DummyShape, "auto">;

/** Where an agent finds the files that variables of its grants name, on one machine and in a pod. */
export const DUMMY_FOLDER = "/run/weir/dummies";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ALPHANUMERIC = `${LETTERS}${LETTERS.toLowerCase()}0123456789`;
/** AWS access key ids are base32. */
const BASE32 = `${LETTERS}234567`;

/** `before` + as many characters as the real key has + `after`. Lengths from the clients' own checks and the issuers' documentation. */
const FORMS: Readonly<Record<Exclude<MadeShape, "jwt">, { readonly before: string; readonly length: number; readonly after?: string; readonly alphabet?: string }>> = {
  anthropic: { before: "sk-ant-api03-", length: 93, after: "AA" },
  "anthropic-oauth": { before: "sk-ant-oat01-", length: 93, after: "AA" },
  openai: { before: "sk-proj-", length: 156 },
  google: { before: "AIza", length: 35 },
  github: { before: "ghp_", length: 36 },
  "github-fine-grained": { before: "github_pat_", length: 82 },
  gitlab: { before: "glpat-", length: 20 },
  "aws-access-key-id": { before: "AKIA", length: 16, alphabet: BASE32 },
  "aws-secret-access-key": { before: "", length: 40 },
  slack: { before: "xoxb-100000000000-1000000000000-", length: 24 },
  npm: { before: "npm_", length: 36 },
  pypi: { before: "pypi-AgEI", length: 150 },
  huggingface: { before: "hf_", length: 34, alphabet: `${LETTERS}${LETTERS.toLowerCase()}` },
  stripe: { before: "sk_test_", length: 99 },
  openrouter: { before: "sk-or-v1-", length: 64, alphabet: "0123456789abcdef" },
  "crates-io": { before: "cio", length: 32 },
  docker: { before: "dckr_pat_", length: 27 },
  groq: { before: "gsk_", length: 52 },
  xai: { before: "xai-", length: 80 },
  notion: { before: "ntn_", length: 46 },
  linear: { before: "lin_api_", length: 40 },
  brave: { before: "BSA", length: 28 },
  tavily: { before: "tvly-", length: 32 },
  "google-access-token": { before: "ya29.", length: 180 },
  opaque: { before: "", length: 40 },
};

/** Which shape a variable of this name is expected to have, by the clients that read it. */
const BY_NAME: readonly (readonly [pattern: RegExp, shape: MadeShape])[] = [
  [/^(ANTHROPIC_AUTH_TOKEN|CLAUDE_CODE_OAUTH_TOKEN)$/, "anthropic-oauth"],
  [/^(ANTHROPIC|CLAUDE)_/, "anthropic"],
  [/^OPENROUTER_/, "openrouter"],
  [/^(OPENAI|CODEX)_/, "openai"],
  [/^(CLOUDSDK_AUTH|GOOGLE_OAUTH|GOOGLE|GCP)_ACCESS_TOKEN$/, "google-access-token"],
  [/^(GEMINI|GOOGLE)_/, "google"],
  [/^(GH|GITHUB|COPILOT_GITHUB)_/, "github"],
  [/^GITLAB_/, "gitlab"],
  [/^AWS_ACCESS_KEY_ID$/, "aws-access-key-id"],
  [/^AWS_SECRET_ACCESS_KEY$/, "aws-secret-access-key"],
  [/^SLACK_/, "slack"],
  [/^(NPM|NODE_AUTH)_/, "npm"],
  [/^(PYPI|TWINE|UV_PUBLISH)_/, "pypi"],
  [/^(HF|HUGGING_FACE|HUGGINGFACE)_/, "huggingface"],
  [/^STRIPE_/, "stripe"],
  [/^CARGO_/, "crates-io"],
  [/^DOCKER_/, "docker"],
  [/^GROQ_/, "groq"],
  [/^XAI_/, "xai"],
  [/^NOTION_/, "notion"],
  [/^LINEAR_/, "linear"],
  [/^BRAVE_/, "brave"],
  [/^TAVILY_/, "tavily"],
  [/(^|_)(JWT|ID_TOKEN)$/, "jwt"],
];

/** What a reader of a leaked environment sees; left out where the alphabet has no letters for it. */
const MARK = "WEIRDUMMY";

/**
 * A key of the right shape that is worth nothing: the same for the same grant and variable, different for another, and marked as a dummy as far as
 * the shape has room. Nothing of a real secret goes into it.
 */
export function dummyKey(shape: MadeShape, grant: string, variable: string): string {
  if (shape === "jwt") return dummyJwt(`jwt\0${grant}\0${variable}`);
  const { before, length, after = "", alphabet = ALPHANUMERIC } = FORMS[shape];
  const mark = MARK.split("").every((letter) => alphabet.includes(letter)) ? MARK : "";
  return before + mark + filler(alphabet, length - mark.length, `${shape}\0${grant}\0${variable}`) + after;
}

/** @param shape `auto` chooses by the name of the variable */
export function dummyFor(shape: DummyShape, grant: string, variable: string): string {
  const made = shape === "auto" ? (BY_NAME.find(([pattern]) => pattern.test(variable))?.[1] ?? "opaque") : shape;
  return dummyKey(made, grant, variable);
}

/** Far enough for every client that looks, and a date that 32-bit clocks can say: 2037-12-31. */
const JWT_EXPIRY_S = 2_145_830_400;

/** Signed by nobody: clients read the claims and leave the signature to servers. The last claim is what Codex looks for in an ID token. */
function dummyJwt(seed: string): string {
  const account = `${MARK}-${filler(ALPHANUMERIC, 24, seed)}`;
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    iss: "https://weir.invalid", sub: account, aud: MARK, email: "agent@weir.invalid", iat: 1_735_689_600, exp: JWT_EXPIRY_S,
    "https://api.openai.com/auth": { chatgpt_account_id: account, chatgpt_user_id: account, chatgpt_plan_type: "pro" },
  };
  return [part({ alg: "RS256", typ: "JWT", kid: MARK }), part(claims), filler(ALPHANUMERIC, 342, seed)].join(".");
}

function filler(alphabet: string, length: number, seed: string): string {
  let text = "";
  for (let block = 0; text.length < length; block += 1) {
    const digest = createHash("sha256").update(`weir dummy\0${seed}\0${block}`).digest();
    text += [...digest].map((byte) => alphabet.charAt(byte % alphabet.length)).join("");
  }
  return text.slice(0, length);
}
