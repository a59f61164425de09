import { HOST_BUILTINS } from "../../proxy/policy/builtins.ts";
import { COMPILED_AWAY, LEFT_OUT, WASM_BUILTINS } from "../../proxy/policy/capabilities.ts";
import { OPA_VERSION } from "../../proxy/policy/opa.ts";

/** `docs/policy-builtins.md`: which builtins of Rego a policy may call, from where they come, and which are left out and why. */
export function renderBuiltins(): string {
  return `# Builtins of Rego

What a policy may call. Everything else is an error of the compiler that names file and line: \`weir policy build\`, \`check\` and \`test\` know the same
list as the evaluator, and so does the check of what tenants write. All of them give what \`opa eval\` of OPA ${OPA_VERSION} gives; \`npm run proof -- policy-equivalence\`
compares them with it on arguments at random, and runs OPA's own conformance cases.

No builtin reads anything but its arguments, except \`time.now_ns\`, whose clock stands still during one decision. Text, patterns and results of one call are
bounded (4 MiB; a pattern 10,000 characters; 65,536 addresses of a network; 100,000 numbers or paths), and patterns are matched by RE2 in time that grows with the text
alone. A call that would make more, or that cannot be exact, stops the decision, and nothing is allowed: \`policy.unavailable\`.

## Supplied by Weir

${list(HOST_BUILTINS)}

Not supplied of these: the time zone \`Local\`; abbreviations of zones other than UTC in \`time.format\`; of \`sprintf\`, hexadecimal and binary forms of numbers that are not
whole, and the flag \`#\` for them. A whole number that is written with a point or an exponent (\`1.0\`, \`1e2\`) is whole.

## In the policy's WebAssembly

${list(WASM_BUILTINS)}

Numbers that are calculated with have 64 bits there.

## Gone once compiled

${list(COMPILED_AWAY)}

## Left out

| | why |
|---|---|
${LEFT_OUT.map(({ why, names }) => `| ${names.map((name) => name.replace(/^([\w.*]+)/, "`$1`")).join(", ")} | ${why} |`).join("\n")}
`;
}

function list(names: readonly string[]): string {
  const groups = Map.groupBy(names.filter((name) => !name.startsWith("internal.")).toSorted(), (name) => (name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "plain"));
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => `- ${group.map((name) => `\`${name}\``).join(", ")}`).join("\n");
}
