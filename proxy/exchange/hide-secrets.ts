import { hasMembers } from "../../common/json/exact-json.ts";

/** Words of names under which people write what others must not read; whole words, so that `passengers` and `compass` are none. */
const SECRET_WORDS = new Set(["password", "passwd", "passphrase", "pwd", "secret", "secrets", "credential", "credentials", "authorization", "cookie", "cookies", "apikey"]);
/** Names that end so: `max_tokens` and `session_command` do not. */
const SECRET_ENDINGS = /(?:^| )(?:token|api key|private key|access key|session id)$/;
/** Keys of well-known shapes, and JSON Web Tokens. Nothing with a slash, a space or a semicolon in it: no command and no path can be put behind such a beginning. */
const SECRET_TEXT = new RegExp([
  "\\b(?:sk-|sk_|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza|npm_|pypi-|hvs\\.|whsec_)[A-Za-z0-9_-]{12,255}",
  "\\beyJ[A-Za-z0-9_-]{8,4096}\\.[A-Za-z0-9_-]{8,4096}(?:\\.[A-Za-z0-9_-]{0,4096})?",
].join("|"), "g");

/** A JSON value in which what looks like a secret is replaced by how long it is. @param name of the member that it stands in */
export function hideSecrets(value: unknown, name: string): unknown {
  return hidden(value, isSecretName(name));
}

function hidden(value: unknown, isSecret: boolean): unknown {
  if (typeof value === "string") return isSecret ? inPlaceOf(value) : value.replaceAll(SECRET_TEXT, inPlaceOf);
  if (Array.isArray(value)) return value.map((one) => hidden(one, isSecret));
  if (!hasMembers(value)) return value;
  const shown = namesShown(Object.keys(value));
  return Object.fromEntries(Object.entries(value).map(([name, one], at) => [shown[at], hidden(one, isSecret || isSecretName(name))]));
}

/** As many names as there were: two secrets of one length stay two, or what stands under one of them would be shown for both. */
function namesShown(names: readonly string[]): readonly string[] {
  const taken = new Set(names);
  const counts = new Map<string, number>();
  return names.map((name) => {
    const without = hideInText(name);
    if (without === name) return name;
    let count = counts.get(without) ?? 0;
    let shown: string;
    do {
      count += 1;
      shown = count === 1 ? without : `${without} (${count})`;
    } while (taken.has(shown));
    counts.set(without, count);
    return shown;
  });
}

/** A text without the keys in it. */
export function hideInText(text: string): string {
  return text.replaceAll(SECRET_TEXT, inPlaceOf);
}

function inPlaceOf(secret: string): string {
  return `[hidden: ${secret.length} characters]`;
}

function isSecretName(name: string): boolean {
  const words = name.slice(0, 200).replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase().split(/[^a-z0-9]+/).filter((word) => word !== "");
  return words.some((word) => SECRET_WORDS.has(word)) || SECRET_ENDINGS.test(words.join(" "));
}
