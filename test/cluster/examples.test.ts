import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { readEnvironment } from "../../common/config.ts";
import type { KubeObject } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { RegoBuilder } from "../../controller/boundary/build.ts";
import { compileBoundary } from "../../controller/boundary/compile-boundary.ts";
import { RegoChecks } from "../../controller/boundary/rego-checks.ts";
import { readResources } from "../../controller/boundary/resources.ts";
import { readThread } from "../../controller/resources/read.ts";
import { findOpa } from "../../proxy/policy/opa.ts";
import { findKubernetes, obtainKubernetes } from "../../tools/kubernetes.ts";
import { filesUnder, read, ROOT } from "../structure/repository.ts";
import { settings } from "../support/boundary-resources.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../support/kube/control-plane.ts";
import { installKinds } from "../support/kube/weir-kinds.ts";

const FOLDER = "examples/kubernetes";
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

  test("are accepted as they stand, by kubectl and by GitOps, and come into force", async ({ skip }) => {
    await plane.createNamespace("team-b");
    await plane.kubectl(["apply", "--validate=strict", "--namespace=team-b", `--kustomize=${join(ROOT, FOLDER, "agent")}`]);
    await plane.kubectl(["apply", "--validate=strict", "--server-side", `--kustomize=${join(ROOT, FOLDER, "gitops")}`]);
    await plane.kubectl(["apply", "--validate=strict", "--namespace=team-a", `--filename=${join(ROOT, FOLDER, "thread.yaml")}`]);
    const listed = async (type: (typeof TYPES)[keyof typeof TYPES]): Promise<readonly KubeObject[]> => (await plane.api.list(type, {})).items;
    for (const object of await listed(TYPES.threads)) expect(readThread(object)).toMatchObject({ isReadable: true });
    if (opa === null) skip("no `opa` here");
    const [agents, policies, grants, budgets] = [await listed(TYPES.agents), await listed(TYPES.egressPolicies), await listed(TYPES.credentialGrants), await listed(TYPES.budgets)];
    const resources = readResources({ agents: { list: () => agents }, egressPolicies: { list: () => policies }, credentialGrants: { list: () => grants }, budgets: { list: () => budgets } });
    const { plan } = await compileBoundary(resources, { checks: new RegoChecks(opa), builder: new RegoBuilder(opa), settings: settings() }, new AbortController().signal);
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
