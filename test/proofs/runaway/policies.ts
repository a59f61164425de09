import { readEnvironment } from "../../../common/config.ts";
import { writeBundle, type Bundle } from "../../../proxy/policy/bundle.ts";
import { compileFolder } from "../../../proxy/policy/compile-policy.ts";
import { policyData } from "../../../proxy/policy/data.ts";
import { requireOpa } from "../../../proxy/policy/opa.ts";

export const HOST = "api.runaway.test";
/** Paths at which the policy of a wild agent never ends, takes exponential time, fills memory, or answers beyond all measure. */
export const WAYS = ["loop", "exponential", "memory", "answer"] as const;

/** What is wrong with the policy, for agents of one name and by path; `/slow/N` takes time that grows with N, and ends. */
export const WILD = `package weir.custom.exchange

wild(way) if {
	startswith(input.agent.name, "wild")
	input.request.path[0] == way
}

numbers_to(n) := numbers.range(1, n)

deny contains {"rule": "x", "reason": "", "hint": ""} if {
	wild("loop")
	some a in data.custom.list
	some b in data.custom.list
	some c in data.custom.list
	c == "nothing"
	a == b
}

deny contains {"rule": "x", "reason": "", "hint": ""} if {
	wild("slow")
	some a in numbers_to(to_number(input.request.path[1]))
	some b in data.custom.list
	b == a
}

deny contains {"rule": "x", "reason": "", "hint": ""} if {
	wild("exponential")
	some a in data.custom.few
	some b in data.custom.few
	some c in data.custom.few
	some d in data.custom.few
	some e in data.custom.few
	some f in data.custom.few
	some g in data.custom.few
	some h in data.custom.few
	some i in data.custom.few
	some j in data.custom.few
	{a, b, c, d, e, f, g, h, i} == {j}
	a != b
}

deny contains {"rule": "x", "reason": "", "hint": ""} if {
	wild("memory")
	count([[a, b, "filling"] | some a in numbers_to(3000); some b in numbers_to(3000)]) == 1
}

deny contains {"rule": "x", "reason": concat("", ["a sentence that is repeated" | some a in numbers_to(200); some b in numbers_to(100)]), "hint": ""} if wild("answer")
`;

export const MENDED = `package weir.custom.exchange

deny contains {"rule": "x", "reason": "", "hint": ""} if input.request.method == "PATCH"
`;

/** The library with Rego beside it, as `weir policy build` makes it. */
export async function compiled(rego: string): Promise<Bundle> {
  const opa = await requireOpa(readEnvironment());
  const data = policyData.parse({
    hosts: [{ name: HOST, rule: "runaway.host", methods: ["GET"] }],
    custom: { list: Array.from({ length: 3_000 }, (_, index) => `v${index}`), few: Array.from({ length: 10 }, (_, index) => index) },
  });
  return compileFolder({ data, rego: new Map([["wild.rego", rego]]) }, async () => opa);
}

/** The same policy with other data, as if somebody published again. */
export async function published(bundle: Bundle, number: number): Promise<Uint8Array> {
  return writeBundle({ ...bundle, revision: `${number}-runaway`, data: { ...bundle.data, published: number } });
}

/** Data alone, as much of it as people might have: hosts, long lists of paths with stars, and a rule for each kind of body. */
export const LARGE_DATA = {
  hosts: [
    { name: HOST, rule: "plain", methods: ["GET"], paths: ["/v1/*"] },
    ...Array.from({ length: 20 }, (_, entry) => ({ name: HOST, rule: `entry${entry}`, methods: ["GET"], paths: Array.from({ length: 100 }, (_unused, index) => `/${entry}/*/${index}/*/x*y*z`) })),
    ...Array.from({ length: 2_000 }, (_, index) => ({ name: `h${index}.runaway.test`, rule: `h${index}`, methods: ["GET"] })),
  ],
};

export const BODY_DATA = {
  hosts: [
    { name: HOST, rule: "plain", methods: ["GET"], paths: ["/v1/*"] },
    { name: HOST, rule: "json", methods: ["POST"], paths: ["/json"], json: { "/a/b": { one_of: ["c"] } }, max_read_bytes: 4 << 20 },
    { name: HOST, rule: "mcp", methods: ["POST"], paths: ["/mcp"], mcp: { tools: [{ name: "read", arguments: { path: { within: "/workspace" } } }] }, max_read_bytes: 4 << 20 },
    { name: HOST, rule: "graphql", methods: ["POST"], paths: ["/graphql"], graphql: { fields: ["viewer"] }, max_read_bytes: 4 << 20 },
  ],
};
