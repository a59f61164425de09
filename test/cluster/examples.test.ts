import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { readEnvironment } from "../../common/config.ts";
import type { KubeObject } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { RegoBuilder } from "../../controller/boundary/build.ts";
import { compileBoundary } from "../../controller/boundary/compile-boundary.ts";
import type { BoundaryPlan } from "../../controller/boundary/plan.ts";
import { RegoChecks } from "../../controller/boundary/rego-checks.ts";
import { readResources } from "../../controller/boundary/resources.ts";
import { readThread } from "../../controller/resources/read.ts";
import { findOpa } from "../../proxy/policy/opa.ts";
import { findKubernetes, obtainKubernetes } from "../../tools/kubernetes.ts";
import { qualifiedId } from "../../common/boundary-set.ts";
import { exists, filesUnder, read, ROOT } from "../structure/repository.ts";
import { settings } from "../support/boundary-resources.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../support/kube/control-plane.ts";
import { installKinds } from "../support/kube/weir-kinds.ts";

const FOLDER = "examples/kubernetes";
/** Examples with programs of their own, and what their boundary says of their agents. */
const PROGRAMS = {
  "agent": { reader: ["github-read"] },
  "cli-agent": { assistant: ["model"] },
  "playbook": { notifier: ["chat"], "service-runner": ["status"] },
} as const;
const environment = readEnvironment();
const isRequired = environment["WEIR_TIER"] === "cluster";
const programs = isRequired ? await obtainKubernetes(environment, () => {}, PROGRAMS_OF_LEVEL[1]) : await findKubernetes(environment, PROGRAMS_OF_LEVEL[1]);
const opa = await findOpa(environment);

describe.skipIf(programs === null)("the examples for Kubernetes, level 1", () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    await installKinds(plane);
  });
  afterAll(async () => plane?.stop());

  const compiled = async (namespace?: string): Promise<BoundaryPlan> => {
    const listed = async (type: (typeof TYPES)[keyof typeof TYPES]) => {
      const { items } = await plane.api.list(type, namespace === undefined ? {} : { namespace });
      return { list: () => items };
    };
    const resources = readResources({
      agents: await listed(TYPES.agents), egressPolicies: await listed(TYPES.egressPolicies), credentialGrants: await listed(TYPES.credentialGrants), budgets: await listed(TYPES.budgets),
    });
    return (await compileBoundary(resources, { checks: new RegoChecks(opa), builder: new RegoBuilder(opa), settings: settings() }, new AbortController().signal)).plan;
  };

  test("are accepted as they stand, by kubectl and by GitOps, and come into force", async ({ skip }) => {
    await plane.createNamespace("team-b");
    await plane.kubectl(["apply", "--validate=strict", "--namespace=team-b", `--kustomize=${join(ROOT, FOLDER, "agent")}`]);
    await plane.kubectl(["apply", "--validate=strict", "--server-side", `--kustomize=${join(ROOT, FOLDER, "gitops")}`]);
    await plane.kubectl(["apply", "--validate=strict", "--namespace=team-a", `--filename=${join(ROOT, FOLDER, "thread.yaml")}`]);
    const listed = async (type: (typeof TYPES)[keyof typeof TYPES]): Promise<readonly KubeObject[]> => (await plane.api.list(type, {})).items;
    for (const object of await listed(TYPES.threads)) expect(readThread(object)).toMatchObject({ isReadable: true });
    if (opa === null) skip("no `opa` here");
    const plan = await compiled();
    expect([...plan.policies].map(([id, { problems, unresolved }]) => [id, problems, unresolved])).toEqual(
      ["team-a", "team-b"].flatMap((namespace) => ["documentation", "reviewing", "working-hours"].map((name) => [`${namespace}.${name}`, [], []])),
    );
    expect([...plan.agents.values()].map((outcome) => outcome?.missing)).toEqual([[], []]);
    expect(plan.cluster.withheld).toEqual({});
    expect(Object.keys(plan.set.agents)).toEqual(["team-a/reviewer", "team-a/reviewer.docs", "team-b/reviewer", "team-b/reviewer.docs"]);
  });

  test("can be applied again and again: nothing that the API server adds is a difference", async () => {
    await plane.kubectl(["apply", "--server-side", `--kustomize=${join(ROOT, FOLDER, "gitops")}`]);
    const diff = await plane.kubectl(["diff", "--server-side", `--kustomize=${join(ROOT, FOLDER, "gitops")}`]);
    expect(diff).toBe("");
  });

  test.each(Object.entries(PROGRAMS))("with programs: %s is accepted as it stands, with its thread, and each of its agents holds what it should and no more", async (example, holdings) => {
    const namespace = `example-${example}`;
    await plane.createNamespace(namespace);
    await plane.kubectl(["apply", "--validate=strict", `--namespace=${namespace}`, `--kustomize=${join(ROOT, "examples", example, "manifests")}`]);
    await plane.kubectl(["apply", "--validate=strict", `--namespace=${namespace}`, `--filename=${join(ROOT, "examples", example, "thread.yaml")}`]);
    const [thread] = (await plane.api.list(TYPES.threads, { namespace })).items;
    expect(readThread(thread!)).toMatchObject({ isReadable: true, resource: { spec: { agent: expect.toBeOneOf(Object.keys(holdings)) as string } } });
    const { policies, agents, cluster, set } = await compiled(namespace);
    expect([...policies.values()].flatMap(({ problems, unresolved }) => [...problems, ...unresolved])).toEqual([]);
    expect([...agents.values()].flatMap((outcome) => outcome?.missing ?? ["unreadable"])).toEqual([]);
    expect(cluster.withheld).toEqual({});
    expect(Object.fromEntries(Object.entries(set.agents).map(([key, { grants }]) => [key, grants]))).toEqual(Object.fromEntries(Object.entries(holdings)
      .map(([agent, grants]) => [`${namespace}/${agent}`, [...grants.map((grant: string) => qualifiedId(namespace, grant)), "weir.internal"]])));
  });
});

describe("the examples with programs", () => {
  test.each(Object.keys(PROGRAMS))("%s: its kustomization lists every manifest, and its README and Dockerfile are there", (example) => {
    const folder = `examples/${example}`;
    const files = filesUnder(`${folder}/manifests`, ".yaml").map((path) => path.slice(`${folder}/manifests/`.length)).filter((name) => name !== "kustomization.yaml");
    const { resources } = parse(read(`${folder}/manifests/kustomization.yaml`)) as { resources: string[] };
    expect(resources.toSorted()).toEqual(files);
    for (const name of ["README.md", "Dockerfile", "thread.yaml"]) expect(exists(`${folder}/${name}`), name).toBe(true);
  });
});

describe("the example for Terraform", () => {
  test("names the files of the agent, each of one document, as yamldecode takes it", () => {
    const text = read(`${FOLDER}/terraform/main.tf`);
    const files = [...(/files\s*= \[(.*)\]/.exec(text)?.[1] ?? "").matchAll(/"([^"]+)"/g)].map(([, file]) => `${FOLDER}/agent/${file}`);
    expect(files.sort()).toEqual(filesUnder(`${FOLDER}/agent`, ".yaml").filter((path) => !path.endsWith("kustomization.yaml")));
    for (const file of [...files, `${FOLDER}/thread.yaml`]) {
      expect(existsSync(join(ROOT, file)), file).toBe(true);
      expect(parseAllDocuments(read(file)), file).toHaveLength(1);
    }
  });
});
