import { CORRECTIONS } from "../../proxy/policy/builtins/corrections.ts";
import { HOST_BUILTINS } from "../../proxy/policy/builtins.ts";
import { COMPILED_AWAY, LEFT_OUT, WASM_BUILTINS } from "../../proxy/policy/capabilities.ts";
import { OPA_VERSION } from "../../proxy/policy/opa.ts";

/** Rows of the table: the call, and what the boundary makes of it. */
const DIFFERENCES = `| numbers that are calculated with | 64 bits; whole numbers beyond stop the policy, or lose their last digits where a fraction is in play |
| \`ceil\`, \`floor\` of numbers between -1 and 0 | 0 and -1; OPA's interpreter says 1 and 0 |
| \`base64.decode\`, \`base64url.decode\`, \`hex.decode\` of bytes that are no text | stop the policy |
| \`json.unmarshal\` of numbers beyond 1.8e308 | stops the policy |
| \`json.marshal\` of numbers with a fraction | writes the fewest digits that tell them apart |
| \`replace\` of nothing in text beyond ASCII, \`strings.replace_n\` of nothing | stop the policy |
| \`to_number\` of what is a number to Go and none to JSON (\`"01"\`, \`"+1"\`, \`".5"\`) | stops the policy; OPA's interpreter makes of it what cannot be printed |
| \`sprintf\` with \`%#U\` of what is no character, \`%p\` | may be written differently |
| time zones \`Factory\`, \`posixrules\`, \`localtime\` | undefined; \`EST\`, \`CET\`, \`PST8PDT\` before 1900 may differ |
| keys of \`data\` by a number | not found |`;

/** `docs/policy-builtins.md`: which builtins of Rego a policy may call, from where they come, and which are left out and why. */
export function renderBuiltins(): string {
  return `# Builtins of Rego

What a policy may call. Everything else is an error of the compiler that names file and line: \`weir policy build\`, \`check\` and \`test\` know the same
list as the evaluator, and so does the check of what tenants write. They give what \`opa eval\` of OPA ${OPA_VERSION} gives, but for what is listed
below; \`npm run proof -- policy-equivalence\` compares them with it on arguments by hand and at random, and runs OPA's own conformance cases.

No builtin reads anything but its arguments, except \`time.now_ns\`, whose clock stands still during one decision. Text, patterns and results of one call are
bounded (4 MiB; a pattern 10,000 characters; 65,536 addresses of a network; 100,000 numbers or paths), and patterns are matched by RE2 in time that grows with the text
alone. A call that would make more, or that cannot be exact, stops the decision, and nothing is allowed: \`policy.unavailable\`.

Time is shared: namespaces take turns by the time that their questions used, and agents within a namespace. A question waits four deadlines
(\`policy.deadlineMs\`) at most, and is then \`policy.unavailable\`. Who was slow of late (answers of 10 ms and more), or has never had a quick answer, has all threads but one.

## Supplied by Weir

${list(HOST_BUILTINS)}

Not supplied of these: the time zone \`Local\`; abbreviations of zones other than UTC in \`time.format\`; of \`sprintf\`, hexadecimal and binary forms of numbers that are not
whole, and the flag \`#\` for them. A whole number that is written with a point or an exponent (\`1.0\`, \`1e2\`) is whole.

${inWebAssembly()}

## Gone once compiled

${list(COMPILED_AWAY)}

## Left out

| | why |
|---|---|
${LEFT_OUT.map(({ why, names }) => `| ${names.map((name) => name.replace(/^([\w.*]+)/, "`$1`")).join(", ")} | ${why} |`).join("\n")}
`;
}

function inWebAssembly(): string {
  return `## In the policy's WebAssembly

${list(WASM_BUILTINS)}

Some of these give something else there than \`opa eval\` does, or never end. When a policy is loaded, wherever it was built, Weir puts itself in their place,
for all arguments or for those where the two differ: ${CORRECTIONS.map(({ name }) => `\`${name}\``).join(", ")}. A policy whose WebAssembly was stripped
of the names of its functions is refused.

## What differs from \`opa eval\`

\`*_test.rego\` is run by OPA's interpreter (\`weir policy test\`), the boundary runs WebAssembly. Cases in \`*_test.yaml\` are run through what the boundary runs.
No allow may hang on these:

| | in the boundary |
|---|---|
${DIFFERENCES}`;
}

function list(names: readonly string[]): string {
  const groups = Map.groupBy(names.filter((name) => !name.startsWith("internal.")).toSorted(), (name) => (name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "plain"));
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => `- ${group.map((name) => `\`${name}\``).join(", ")}`).join("\n");
}
