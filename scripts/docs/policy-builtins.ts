import { CORRECTIONS } from "../../proxy/policy/builtins/corrections.ts";
import { HOST_BUILTINS } from "../../proxy/policy/builtins.ts";
import { COMPILED_AWAY, LEFT_OUT, WASM_BUILTINS } from "../../proxy/policy/capabilities.ts";
import { OPA_VERSION } from "../../proxy/policy/opa.ts";

/** Rows of the table: the call, and what the boundary makes of it. */
const DIFFERENCES = `| sums, products and quotients of numbers with a fraction | may differ in the last digits, from the 17th on |
| members of sets and keys by whole numbers beyond 64 bits | are found only if written the same (\`1e20\` is not \`100000000000000000000\`); \`==\` compares by worth |
| places of lists by \`1.0\`, \`-0.0\` | not found |
| \`bits.*\`, \`format_int\` of \`1e20\` and more, written with an exponent | stop the policy, and so does shifting by more than 4,096 bits |
| \`ceil\`, \`floor\` of numbers between -1 and 0 | 0 and -1; OPA's interpreter says 1 and 0 |
| \`base64.decode\`, \`base64url.decode\`, \`hex.decode\` of bytes that are no text | stop the policy |
| \`replace\`, \`strings.replace_n\` of nothing in text beyond ASCII | stop the policy where they would come between the bytes of a character |
| numbers beyond 1.8e308 | most builtins stop the policy; comparisons, \`sprintf\`, \`json.marshal\` and \`json.unmarshal\` know them |
| \`json.filter\`, \`json.remove\` with an empty path | stop the policy |
| \`to_number\` of what is a number to Go and none to JSON (\`"01"\`, \`"+1"\`, \`".5"\`) | stops the policy; OPA's interpreter makes of it what cannot be printed |
| \`sprintf\` with \`%#U\` of what is no character, \`%p\` | may be written differently |
| time zones \`Factory\`, \`posixrules\`, \`localtime\` | undefined; \`EST\`, \`CET\`, \`PST8PDT\` before 1900 may differ |
| keys of \`data\` by a number (\`data.ports[443]\` for the key \`"443"\`) | not found; OPA's interpreter looks for the number's text |`;

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
whole, and the flag \`#\` for them.

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
of the names of its functions is refused, and so is one that brings a memory of its own, or that is otherwise none of OPA's compiler.

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
