import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { instancePod } from "../../../../controller/pods/instance-pod.ts";
import { agentSpec } from "../../../../controller/resources/agent.ts";
import { pod as podSchema, type ReadPod } from "../../../../controller/resources/pod.ts";
import { threadSpec } from "../../../../controller/resources/thread.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { callKube } from "../../../support/kube/cluster-connection.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";
import { CONTROLLER_USER, WebhookStand } from "../../../support/kube/webhook-stand.ts";

const environment = readEnvironment();
const WANTED = [...PROGRAMS_OF_LEVEL[1], "helm"] as const;
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, WANTED) : await findKubernetes(environment, WANTED);

const ENFORCE = "pod-security.kubernetes.io/enforce=restricted";
/** What level `restricted` asks of whoever writes a pod. */
const RESTRICTED = { runAsNonRoot: true, runAsUser: 1_000, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, seccompProfile: { type: "RuntimeDefault" } };
const GOVERNED = { "weir.dev/inject": "enabled", "weir.dev/agent": "coder" };
const aPod = (securityContext: object, labels: object = GOVERNED, name = "app") =>
  ({ apiVersion: "v1", kind: "Pod", metadata: { generateName: "app-", labels }, spec: { containers: [{ name, image: "app:1", securityContext }] } });

/** The API server's own admission of Pod Security, beside webhook and policies of a chart with `redirect.mode: node`. */
describe.skipIf(programs === null)("a namespace of level restricted (npm run verify:cluster builds the API server)", () => {
  let plane: ControlPlane;
  let stand: WebhookStand;
  const create = async (pod: object, namespace = "team") => plane.call("POST", `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
  const message = ({ status, body }: { status: number; body: Record<string, unknown> }) => (status < 300 ? "accepted" : String(body["message"]));
  const instance = (spec: object): ReadPod => {
    const agent = { metadata: { name: "coder", namespace: "team", uid: "a" }, spec: agentSpec.parse({ image: "coder:1", ...spec }) };
    const thread = { metadata: { name: "t1", namespace: "team", uid: "t" }, spec: threadSpec.parse({ agent: "coder", user: "ann" }) };
    const result = instancePod(thread, agent, { settings: stand.settings, podName: "weir-t1", claimName: (volume) => volume, dummies: { agent: { variables: { RC: "/run/weir/dummies/RC" }, files: { RC: "dummy" } } } });
    if (result.kind === "refused") throw new Error(result.problems.join("\n"));
    return result.pod;
  };
  const asController = async (pod: ReadPod) => callKube(await plane.identity(CONTROLLER_USER, ["system:masters"]), "POST", "/api/v1/namespaces/team/pods?dryRun=All", pod);

  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    stand = await WebhookStand.open(plane, ["team", "open"], true, "node");
    await plane.kubectl(["label", "namespace", "team", ENFORCE]);
    await plane.createNamespace("elsewhere");
    for (const namespace of ["team", "open", "elsewhere"]) {
      await plane.call("POST", `/apis/weir.dev/v1alpha1/namespaces/${namespace}/agents`, { apiVersion: "weir.dev/v1alpha1", kind: "Agent", metadata: { name: "coder" }, spec: {} });
    }
    await stand.start();
    await vi.waitFor(async () => { expect(message(await create(aPod(RESTRICTED), "open"))).toBe("accepted"); }, { timeout: 20_000, interval: 100 });
  });
  afterAll(async () => {
    await stand?.stop();
    await plane?.stop();
  });

  test("takes a governed pod whose author asks for no right: the boundary in front of it asks for none either", async () => {
    const { status, body } = await create(aPod(RESTRICTED));
    expect(status, message({ status, body })).toBe(201);
    const [init, sidecar] = podSchema.parse(body).spec.initContainers ?? [];
    for (const one of [init, sidecar]) expect(one?.securityContext).toMatchObject({ runAsUser: 64_000, runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } });
    expect(init?.env).toContainEqual({ name: "WEIR_MODE", value: "trust" });
  });

  test("refuses the same pod where the pod itself writes the rules", async () => {
    stand.settings = { ...stand.settings, redirect: "init" };
    expect(message(await create(aPod(RESTRICTED)))).toMatch(/violates PodSecurity "restricted:latest".*"weir-init".*NET_ADMIN/);
    stand.settings = { ...stand.settings, redirect: "node" };
    expect(message(await create(aPod(RESTRICTED)))).toBe("accepted");
  });

  test("takes the pod of a thread whose Agent names a user, and its server of tools, and not one that may be root", async () => {
    const mcpServers = [{ name: "shell", image: "shell:1", port: 8_001 }];
    expect(message(await asController(instance({ runAsUser: 1_000, mcpServers })))).toBe("accepted");
    expect(message(await asController(instance({ mcpServers })))).toMatch(/violates PodSecurity "restricted:latest"/);
  });

  test("in any other, too, NET_ADMIN is nobody's: not of what is called weir-init, in a governed pod or beside one", async () => {
    const withRight = { capabilities: { add: ["NET_ADMIN"] } };
    stand.settings = { ...stand.settings, redirect: "init" };
    expect(message(await create(aPod({}), "elsewhere"))).toMatch(/weir-init must have no right at all/);
    stand.settings = { ...stand.settings, redirect: "node" };
    expect(message(await create(aPod(withRight, {}, "weir-init"), "open"))).toMatch(/NET_ADMIN belongs to nobody here/);
  });
});
