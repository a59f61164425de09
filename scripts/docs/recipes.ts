import { RECIPES, type Recipe } from "../../proxy/credentials/recipes.ts";

const INTRODUCTION = `# Recipes for well-known services

A grant that names a recipe says no more than where its secret is:

\`\`\`yaml
# weir.yaml
grants:
  anthropic:
    use: anthropic
    credential: {type: file, path: secrets/anthropic-key}   # or any other source
\`\`\`

It is then bound to the service's hosts, put into requests as the service expects it, and the agent's environment holds dummies by which stock
clients start. A CredentialGrant of a cluster says \`use: anthropic\` in the same way.

What the grant says itself wins: \`bind\` and \`inject\` field by field (an \`inject\` of another \`type\` stands for itself), \`env\` as a whole.

\`\`\`yaml
grants:
  npm:
    use: npm
    credential: {type: file, path: secrets/npm-token}
    bind: {methods: [GET, HEAD, PUT]}                       # may publish, too
\`\`\`

Recipes leave paths out where the service would answer with a credential of its own, or take one that the agent chose: tokens, deploy keys, runners,
sessions for a browser. The boundary does not know such an answer for a secret, so that the agent would have it in clear. \`bind: {notPaths: []}\` lends
there too, another list leaves out other paths. What cannot be told by a path is not left out: GraphQL (\`linear\`, \`github\`: give \`bind.paths\`),
presigned URLs and archive links that services issue for single objects (git LFS, artifacts, files).

Two grants may not put different dummies into one variable: leave it out of one of them with an \`env\` of its own.

For clients that take no key from a variable, npm among them, a variable names a file: \`env: {NAME: {file: TEXT}}\` puts the text into \`/run/weir/dummies/NAME\`, where
the agent reads it, and that path into the variable.

Codex takes its key from \`CODEX_API_KEY\` in \`codex exec\`. Where it wants a login, it can be given the dummy:
\`printenv OPENAI_API_KEY | codex login --with-api-key\`.

This page is generated from \`proxy/credentials/recipes.ts\` by \`npm run docs:generate\`.

| \`use\` | what | hosts | methods | paths | but not | injected | variables |
|---|---|---|---|---|---|---|---|
`;

/** The text of docs/credentials-recipes.md. */
export function renderRecipes(): string {
  return `${INTRODUCTION}${Object.entries(RECIPES).map(([name, recipe]) => row(name, recipe)).join("\n")}\n`;
}

function row(name: string, { about, inject, bind, env }: Recipe): string {
  const list = (items: readonly string[] | undefined, otherwise: string) => (items === undefined ? otherwise : items.map((item) => `\`${item}\``).join(" "));
  const variables = Object.entries(env).map(([variable, choice]) => (typeof choice === "object" && "value" in choice ? `${variable}=${choice.value}` : variable));
  const cells = [`\`${name}\``, about, list(bind.hosts, "you say which"), list(bind.methods, "all"), list(bind.paths, "all"), list(bind.notPaths, ""), injected(inject), list(variables, "")];
  return `| ${cells.join(" | ")} |`;
}

/** A header as the destination sees it; anything else by its type and what is said of it. */
function injected({ type = "header", ...fields }: Recipe["inject"]): string {
  if (type === "header") return `\`${[fields["header"], fields["format"] ?? "Bearer {secret}"].join(": ")}\``;
  return `\`${type.toString()}\`${Object.entries(fields).map(([name, value]) => ` ${name}: ${value.toString()}`).join(",")}`;
}
