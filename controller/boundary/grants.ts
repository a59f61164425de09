import { qualifiedId } from "../../common/boundary-set.ts";
import { DUMMY_SHAPES } from "../../common/dummy-keys.ts";
import { PLATFORM_GRANT, PLATFORM_NAME } from "../../common/labels.ts";
import { boundaryBudget, boundaryGrant } from "../../proxy/operator.ts";
import type { Budget } from "../resources/budget.ts";
import type { CredentialGrant } from "../resources/credential-grant.ts";
import type { BoundaryConfig } from "./config.ts";
import { accepted, describeIssues, refused, type Verdict } from "./verdict.ts";

/** A grant or budget as the proxies' configuration has it: JSON, and nothing secret. */
export type Definition = Readonly<Record<string, unknown>>;

/** Nothing that a server, a proxy or a person could read as anything but itself: no dots alone, no escapes, no empty segments. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9_@+=.-]{1,128}$/;
const PATH_LIMIT = 512;
const PATH_RULE = "vault.path is segments of letters, digits and _ @ + = . - with single slashes between, none of them . or ..; "
  + "it is read below this namespace's prefix";

/** The name by which policies, agents and proxies know the grant or budget. */
export const idOf = ({ metadata }: Named): string => qualifiedId(metadata.namespace, metadata.name);

interface Named {
  readonly metadata: { readonly namespace: string; readonly name: string };
}

/** Turns a CredentialGrant into a grant of the proxies. Its secret is below its namespace's prefix, whatever its path says. */
export function toGrant(resource: CredentialGrant, vault: BoundaryConfig["vault"]): Verdict<Definition> {
  const { spec, metadata: { namespace } } = resource;
  if (idOf(resource) === PLATFORM_GRANT) return refused("NameReserved", `${PLATFORM_GRANT} is Weir's own grant; choose another name`);
  const path = vault.pathTemplate.replace("{namespace}", namespace) + spec.vault.path;
  if (!spec.vault.path.split("/").every((segment) => SEGMENT.test(segment)) || path.length > PATH_LIMIT) {
    return refused("PathNotAllowed", PATH_RULE);
  }
  if (spec.bind.hosts.includes(PLATFORM_NAME)) return refused("Invalid", `bind.hosts: ${PLATFORM_NAME} takes no credentials but Weir's own`);
  const definition = { credential: { type: "vault", mount: vault.mount, path, field: spec.vault.key }, inject: spec.inject, bind: spec.bind };
  const parsed = boundaryGrant.safeParse({ ...definition, env: Object.fromEntries(Object.entries(spec.env).map(([name, text]) => [name, dummyOf(text)])) });
  // The variables are for the pod; the proxies have no use for them.
  return parsed.success ? accepted(definition) : refused("Invalid", describeIssues(parsed.error));
}

function dummyOf(text: string): unknown {
  return (DUMMY_SHAPES as readonly string[]).includes(text) ? text : { value: text };
}

/** Counts that each agent has for itself are called `agent.…` in the proxies. */
const OWN_COUNTS_NAMESPACE = "agent";

/** Turns a Budget into a named budget of the proxies. */
export function toBudget({ spec, metadata }: Budget): Verdict<Definition> {
  if (metadata.namespace === OWN_COUNTS_NAMESPACE) {
    return refused("NameReserved", `budgets of the namespace ${OWN_COUNTS_NAMESPACE} would be taken for Weir's own counts; use another namespace`);
  }
  const parsed = boundaryBudget.safeParse(spec);
  return parsed.success ? accepted({ ...parsed.data }) : refused("Invalid", describeIssues(parsed.error));
}
