import { qualifiedId } from "../../common/boundary-set.ts";
import { PLATFORM_NAME } from "../../common/labels.ts";
import { expandPacks, policyData, type Pack, type PolicyData } from "../../proxy/operator.ts";
import type { EgressPolicy, PolicyProblem } from "../resources/egress-policy.ts";
import { label } from "../resources/meta.ts";
import type { PolicyVerdict } from "./verdict.ts";

/** Grants and budgets that there are, by their ids; of grants and budgets that were refused there are none. */
export interface Known {
  readonly grants: ReadonlySet<string>;
  readonly budgets: ReadonlySet<string>;
  /** Packs that come with Weir. */
  readonly packs: ReadonlyMap<string, Pack>;
}

export type TenantData = Pick<PolicyData, "hosts" | "addresses" | "custom">;
type Entry = PolicyData["hosts"][number] | PolicyData["addresses"][number];
type Complain = (path: string, message: string) => void;

const PLATFORM_TAKEN = `${PLATFORM_NAME} is open to every agent, and Weir's own`;
const KINDS = { grants: "CredentialGrant", budgets: "Budget" } as const;

/** What the packs of one policy may become: a few words of a tenant shall not make work for everybody. */
const PACK_TEXTS_LIMIT = 5_000;

/**
 * Checks the data of a policy by the schema of `data.yaml`, puts the entries of packs in their place, and turns the names of grants and budgets into ids of its own
 * namespace. A name that leads nowhere stays in its entry, so that what needs it fails for that reason; nothing is ever allowed without what the policy asks for.
 */
export function readPolicyData({ spec, metadata: { namespace } }: EgressPolicy, known: Known): PolicyVerdict<TenantData> {
  const problems: PolicyProblem[] = [];
  const complain: Complain = (path, message) => { problems.push({ file: "data", message: `${path}: ${message}`.slice(0, 1_024) }); };
  const { hosts, addresses, packs, custom } = spec.data;
  for (const [list, entries] of Object.entries({ hosts, addresses, packs })) {
    for (const [index, entry] of entries.entries()) checkTenancy(entry, (field, message) => { complain(`${list}.${index}.${field}`, message); });
  }
  const expanded = readEntries({ hosts, addresses, packs, custom }, known, complain);
  if (expanded === null) return { value: null, problems, unresolved: [] };
  const unresolved: PolicyProblem[] = [];
  const qualify = <T extends Entry>(list: "hosts" | "addresses", entry: T, index: number): T => {
    const place = index < spec.data[list].length ? `${list}.${index}` : `packs: ${entry.rule ?? ""}`;
    return qualified(entry, { namespace, known, missing: (path, message) => { unresolved.push({ file: "data", message: `${place}.${path}: ${message}` }); } });
  };
  const value = {
    hosts: expanded.hosts.map((entry, index) => qualify("hosts", entry, index)),
    addresses: expanded.addresses.map((entry, index) => qualify("addresses", entry, index)),
    custom: expanded.custom,
  };
  return { value: problems.length > 0 ? null : value, problems, unresolved };
}

/** The entries that are written and those of packs; null if that cannot be told. */
function readEntries(data: EgressPolicy["spec"]["data"], { packs }: Known, complain: Complain): PolicyData | null {
  const parsed = policyData.safeParse(data);
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) complain(path.join("."), message);
    return null;
  }
  const expanded = expandPacks(parsed.data, packs, PACK_TEXTS_LIMIT);
  if ("problems" in expanded) {
    for (const problem of expanded.problems) complain("packs", problem.replace(/^packs\./, ""));
    return null;
  }
  // A parameter of a pack may be a host.
  if (expanded.data.hosts.slice(parsed.data.hosts.length).some(({ name }) => name === PLATFORM_NAME)) complain("packs", PLATFORM_TAKEN);
  return expanded.data;
}

/** What an entry of `data.yaml` may say and a tenant may not. */
function checkTenancy(entry: Readonly<Record<string, unknown>>, complain: Complain): void {
  if (entry["agents"] !== undefined) complain("agents", "has no place here: a policy speaks for the Agents that name it in `policies`");
  if (entry["name"] === PLATFORM_NAME) complain("name", PLATFORM_TAKEN);
  for (const field of ["grants", "budgets"] as const) {
    const names = entry[field];
    if (typeof names !== "object" || names === null) continue;
    // A pack that has several credentials is given them by name.
    for (const [index, name] of Object.entries(names)) {
      if (!label.safeParse(name).success) complain(`${field}.${index}`, `must be the name of a ${KINDS[field]} of this namespace`);
    }
  }
}

function qualified<T extends Entry>(entry: T, context: { readonly namespace: string; readonly known: Known; readonly missing: Complain }): T {
  const ids = (field: "grants" | "budgets") => entry[field]?.map((name, index) => {
    const id = qualifiedId(context.namespace, name);
    if (!context.known[field].has(id)) context.missing(`${field}.${index}`, `there is no accepted ${KINDS[field]} ${name} in this namespace`);
    return id;
  });
  const [grants, budgets] = [ids("grants"), ids("budgets")];
  return { ...entry, ...(grants === undefined ? {} : { grants }), ...(budgets === undefined ? {} : { budgets }) };
}
