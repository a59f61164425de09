import { qualifiedId } from "../../common/boundary-set.ts";
import { DUMMY_SHAPES } from "../../common/dummy-keys.ts";
import { PLATFORM_GRANT, PLATFORM_NAME } from "../../common/labels.ts";
import { boundaryBudget, boundaryGrant, dummyFiles, dummyVariables, withRecipe } from "../../proxy/operator.ts";
import type { Budget } from "../resources/budget.ts";
import type { CredentialGrant } from "../resources/credential-grant.ts";
import { toReference, type CredentialSettings } from "./grant-credential.ts";
import { accepted, describeIssues, refused, type Verdict } from "./verdict.ts";

/** A grant or budget as the proxies' configuration has it: JSON, and nothing secret. */
export type Definition = Readonly<Record<string, unknown>>;

/** The name by which policies, agents and proxies know the grant or budget. */
export const idOf = ({ metadata }: Named): string => qualifiedId(metadata.namespace, metadata.name);

interface Named {
  readonly metadata: { readonly namespace: string; readonly name: string };
}

/** Turns a CredentialGrant into a grant of the proxies, its recipe filled in. */
export function toGrant(resource: CredentialGrant, settings: CredentialSettings): Verdict<Definition> {
  if (idOf(resource) === PLATFORM_GRANT) return refused("NameReserved", `${PLATFORM_GRANT} is Weir's own grant; choose another name`);
  const reference = toReference(resource, settings);
  if (!reference.isAccepted) return reference;
  const written = asWritten(resource, reference.value);
  const parsed = boundaryGrant.safeParse(written);
  if (!parsed.success) return refused("Invalid", describeIssues(parsed.error));
  if (parsed.data.bind.hosts.includes(PLATFORM_NAME)) return refused("Invalid", `bind.hosts: ${PLATFORM_NAME} takes no credentials but Weir's own`);
  // Proxies of another version may know other recipes: what is meant is said here.
  const { use: _, ...whole } = withRecipe(written) as Definition;
  return accepted(whole);
}

/** What a container gets that holds a grant: variables, and the texts of the files that some of them name, by the variable. */
export interface Dummies {
  readonly variables: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

/** The dummies of a grant; none if its recipe is unknown. Whether it is accepted does not matter: its clients start, and are told. */
export function dummiesOf(resource: CredentialGrant): Dummies {
  const { env = {} } = withRecipe(asWritten(resource, {})) as { readonly env?: Parameters<typeof dummyVariables>[1] };
  return { variables: dummyVariables(idOf(resource), env), files: dummyFiles({ env }) };
}

/** As the proxies' configuration would have it. */
function asWritten({ spec: { use, inject, bind, env } }: CredentialGrant, credential: Definition): Definition {
  const dummies = env === undefined ? {} : { env: Object.fromEntries(Object.entries(env).map(([name, text]) => [name, dummyOf(text)])) };
  return { credential, inject, ...(use === undefined ? {} : { use }), ...(bind === undefined ? {} : { bind }), ...dummies };
}

function dummyOf(text: string): unknown {
  return (DUMMY_SHAPES as readonly string[]).includes(text) ? text : { value: text };
}

/** Counts that each agent and thread has for itself are called `agent.…` and `thread.…` in the proxies. */
const OWN_COUNTS_NAMESPACES: readonly string[] = ["agent", "thread"];

/** Turns a Budget into a named budget of the proxies, whatever its parent is. One that applies always does so in its own namespace alone. */
export function toBudget({ spec: { parent: _, to, ...spec }, metadata: { namespace } }: Budget): Verdict<Definition> {
  if (OWN_COUNTS_NAMESPACES.includes(namespace)) {
    return refused("NameReserved", `budgets of the namespace ${namespace} would be taken for Weir's own counts; use another namespace`);
  }
  const parsed = boundaryBudget.safeParse({ ...spec, ...(spec.applies === "always" ? { to: { ...to, namespaces: [namespace] } } : {}) });
  return parsed.success ? accepted({ ...parsed.data }) : refused("Invalid", describeIssues(parsed.error));
}
