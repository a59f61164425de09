import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../common/config.ts";
import { findKubernetes, obtainKubernetes } from "../../../tools/kubernetes.ts";
import { helmRelease, objectOf, readObjects, RELEASE, renderChart } from "../../support/kube/chart.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../support/kube/control-plane.ts";

const environment = readEnvironment();
const WANTED = [...PROGRAMS_OF_LEVEL[1], "helm"] as const;
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, WANTED) : await findKubernetes(environment, WANTED);

const guide = await readFile(new URL("../../../docs/kubernetes.md", import.meta.url), "utf8");
const blocks = [...guide.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);

describe.skipIf(programs === null)("docs/kubernetes.md (npm run verify:cluster builds the API server)", () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    await plane.createNamespace(RELEASE.namespace);
    await plane.createNamespace("team-b");
    await helmRelease("install", [], { kubeconfig: plane.adminKubeconfig, values: { agentNamespaces: [{ name: "agents", create: true }] } });
  });
  afterAll(async () => { await plane?.stop(); });

  test.each(blocks.map((text) => [readObjects(text).map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(", "), text]))("shows what a real API server takes as it is: %s", async (_, text) => {
    const answer = await plane.kubectl(["apply", "--dry-run=server", "--validate=strict", "-f", "-"], text);
    expect(answer.trim().split("\n").map((line) => line.replace(/^\S+ /, ""))).toEqual(readObjects(text).map(() => "created (server dry run)"));
  });

  test("shows the same for a namespace by hand as the chart writes for one of its own", async () => {
    const shown = blocks.flatMap(readObjects).filter(({ metadata }) => metadata.namespace === "team-b");
    const written = await renderChart({ agentNamespaces: [{ name: "team-b" }] });
    expect(shown.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(["RoleBinding weir-agents", "NetworkPolicy weir-injected", "NetworkPolicy weir-agents"]);
    for (const { kind, metadata, ...rest } of shown) expect(objectOf(written, kind, metadata.name, "team-b")).toMatchObject(rest);
  });
});
