import { beforeEach, describe, expect, test } from "vitest";
import { TYPES } from "../../common/kube/resource-types.ts";
import { findHelm, objectOf, renderChart, type ChartObject, type Values } from "../support/kube/chart.ts";
import { NEEDS, type Program, type Verb } from "../support/kube/permissions.ts";
import { filesUnder, read, withoutComments } from "./repository.ts";

const hasHelm = await findHelm() !== null;

/** What a call of KubeApi asks for in RBAC's words. */
const VERBS: Readonly<Record<string, readonly Verb[]>> = {
  get: ["get"], list: ["list"], watch: ["watch"], create: ["create"], replace: ["update"], apply: ["patch"], remove: ["delete"], openInformer: ["list", "watch"], open: ["list", "watch"],
};

/** Asks for a service in the name of whoever wants its address. */
const SERVICE_ADDRESS = "common/kube/service-address.ts";
const SOURCES: Readonly<Record<Program, readonly string[]>> = {
  controller: [...filesUnder("controller", ".ts").filter((path) => !path.startsWith("controller/resources/")), SERVICE_ADDRESS],
  proxy: filesUnder("proxy", ".ts"),
  redirect: [...filesUnder("init", ".ts"), SERVICE_ADDRESS],
};

/** Calls that name their type in place: `api.get(TYPES.pods, ...)`, `openInformer(api, TYPES.pods, ...)`. */
function callsOf(program: Program): { readonly path: string; readonly type: keyof typeof TYPES; readonly verb: Verb }[] {
  return SOURCES[program].flatMap((path) => [...withoutComments(read(path)).matchAll(/\b(get|list|watch|create|replace|apply|remove|openInformer|open)\((?:[\w.]+, )?TYPES\.(\w+)/g)]
    .flatMap(([, call = "", type = ""]) => (VERBS[call] ?? []).map((verb) => ({ path, type: type as keyof typeof TYPES, verb }))));
}

/** Every type that a program's code mentions, however it gets into a call. */
function typesOf(program: Program): (keyof typeof TYPES)[] {
  return [...new Set(SOURCES[program].flatMap((path) => [...withoutComments(read(path)).matchAll(/\bTYPES\.(\w+)/g)].map(([, type]) => type as keyof typeof TYPES)))];
}

describe.each(Object.keys(NEEDS) as Program[])("the list of what the %s needs of the API server", (program) => {
  test("has every type that its code speaks of", () => {
    const unlisted = typesOf(program).filter((type) => !NEEDS[program].some(({ group, resource }) => group === TYPES[type].group && resource.split("/")[0] === TYPES[type].plural));
    expect(unlisted).toEqual([]);
  });

  test("has every call that its code makes", () => {
    const unlisted = callsOf(program).filter(({ type, verb }) => !NEEDS[program].some((need) => need.group === TYPES[type].group && need.resource.split("/")[0] === TYPES[type].plural && need.verbs.includes(verb)));
    expect(unlisted.map(({ path, type, verb }) => `${path}: ${verb} ${type}`)).toEqual([]);
    expect(callsOf(program).length).toBeGreaterThan(2);
  });

  test("has no type that its code does not speak of, reviews aside", () => {
    const spoken = typesOf(program).map((type) => `${TYPES[type].group}/${TYPES[type].plural}`);
    const idle = NEEDS[program].filter(({ group, resource }) => !resource.endsWith("reviews") && !spoken.includes(`${group}/${resource.split("/")[0]}`));
    expect(idle.map(({ resource }) => resource)).toEqual([]);
  });
});

interface Rule { readonly apiGroups?: readonly string[]; readonly resources?: readonly string[]; readonly resourceNames?: readonly string[]; readonly nonResourceURLs?: readonly string[]; readonly verbs: readonly string[] }

function rulesOf(objects: readonly ChartObject[], kind: string, name: string): string[] {
  return (objectOf(objects, kind, name)["rules"] as Rule[]).map(({ apiGroups, resources, resourceNames, nonResourceURLs, verbs }) => {
    const what = nonResourceURLs?.join(" ") ?? `${resources?.join(",") ?? ""} of "${apiGroups?.join(",") ?? ""}"`;
    return `${verbs.join(",")} ${what}${resourceNames === undefined ? "" : ` named ${resourceNames.join(",")}`}`;
  });
}

describe("the chart's roles", () => {
  beforeEach(({ skip }) => { if (!hasHelm) skip("no helm here"); });

  test("say nothing with a star", async () => {
    const roles = (await renderChart({ rbac: { everyNamespace: true } })).filter(({ kind }) => kind === "Role" || kind === "ClusterRole");
    expect(roles.length).toBeGreaterThanOrEqual(5);
    expect(roles.filter((role) => JSON.stringify(role["rules"]).includes("*")).map(({ metadata }) => metadata.name)).toEqual([]);
  });

  /** A change here is a change of what a taken-over program could do: look at it twice. */
  test.each([["ClusterRole", "weir-proxy"], ["Role", "weir-proxy"], ["ClusterRole", "weir-controller"], ["ClusterRole", "weir-agents"], ["Role", "weir-controller"],
    ["ClusterRole", "weir-redirect"], ["Role", "weir-redirect"]])("%s %s is as it was looked at", async (kind, name) => {
    expect(rulesOf(await renderChart({ redirect: { mode: "node" } }), kind, name)).toMatchSnapshot();
  });

  test("let the controller create pods in the namespaces of agents only, unless it is told otherwise", async () => {
    const bindings = async (values: object) => (await renderChart({ ...values })).filter((object) => (object["roleRef"] as { name?: string } | undefined)?.name === "weir-agents").map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ""}`);
    expect(await bindings({})).toEqual([]);
    expect(await bindings({ agentNamespaces: [{ name: "a" }, { name: "b" }] })).toEqual(["RoleBinding a", "RoleBinding b"]);
    expect(await bindings({ agentNamespaces: [{ name: "a" }], rbac: { everyNamespace: true } })).toEqual(["ClusterRoleBinding "]);
  });

  test("let the proxies read the Secrets that are listed, by name, and none if none is", async () => {
    const values = { proxy: { secrets: [{ namespace: "a", names: ["keys", "more"] }] } };
    expect(rulesOf(await renderChart(values), "Role", "weir-proxy-secrets")).toEqual(['get secrets of "" named keys,more']);
    expect((await renderChart({})).filter(({ metadata }) => metadata.name === "weir-proxy-secrets")).toEqual([]);
  });

  test("are given to the programs' service accounts, and to no agent", async () => {
    const subjects = async (values: Values) => new Set((await renderChart(values)).flatMap((object) => (object["subjects"] ?? []) as { kind: string; name: string; namespace: string }[])
      .map(({ kind, name, namespace }) => `${kind} ${namespace}/${name}`));
    const two = ["ServiceAccount weir-system/weir-proxy", "ServiceAccount weir-system/weir-controller"];
    expect(await subjects({ agentNamespaces: [{ name: "a" }] })).toEqual(new Set(two));
    expect(await subjects({ agentNamespaces: [{ name: "a" }], redirect: { mode: "node" } })).toEqual(new Set([...two, "ServiceAccount weir-system/weir-redirect"]));
  });
});
