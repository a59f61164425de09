import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { governPod } from "../../../../controller/pods/govern-pod.ts";
import type { Governance } from "../../../../controller/pods/governance.ts";
import { instancePod } from "../../../../controller/pods/instance-pod.ts";
import { agentSpec } from "../../../../controller/resources/agent.ts";
import type { ReadContainer, ReadPod } from "../../../../controller/resources/pod.ts";
import { threadSpec } from "../../../../controller/resources/thread.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { callKube } from "../../../support/kube/cluster-connection.ts";
import { RELEASE } from "../../../support/kube/chart.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";
import { CONTROLLER_USER, WebhookStand } from "../../../support/kube/webhook-stand.ts";
import { aContainer, aGovernance, aPod } from "../../../support/pods.ts";

const environment = readEnvironment();
const WANTED = [...PROGRAMS_OF_LEVEL[1], "helm"] as const;
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, WANTED) : await findKubernetes(environment, WANTED);

type Change = (pod: ReadPod) => void;
const init = (pod: ReadPod): ReadContainer => pod.spec.initContainers?.[0] ?? aContainer();
const sidecar = (pod: ReadPod): ReadContainer => pod.spec.initContainers?.[1] ?? aContainer();
const app = (pod: ReadPod): ReadContainer => pod.spec.containers[0] ?? aContainer();
const secure = (container: ReadContainer, change: object) => { container.securityContext = { ...container.securityContext, ...change }; };

/** The policies of the chart in a real API server, and no webhook: whatever they let through would be in the cluster. */
describe.skipIf(programs === null)("admission policies without a webhook (npm run verify:cluster builds the API server)", () => {
  let plane: ControlPlane;
  let stand: WebhookStand;
  const path = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;
  const create = async (pod: ReadPod, namespace = "team") => plane.call("POST", `${path(namespace)}?dryRun=All`, { ...pod, metadata: { ...pod.metadata, namespace } });
  const asController = async (method: string, where: string, body: object) => callKube(await plane.identity(CONTROLLER_USER, ["system:masters"]), method, where, body);
  const message = ({ status, body }: { status: number; body: Record<string, unknown> }) => (status < 300 ? "accepted" : String(body["message"]));

  /** A pod as the webhook leaves it, then changed. */
  function governed(change: Change = () => {}, changes: Partial<Governance> = {}): ReadPod {
    const identities = changes.identities ?? [];
    const user = identities.length === 0 ? {} : { securityContext: { runAsUser: 1_000 } };
    const pod = aPod({ containers: [aContainer(user), ...identities.map((name) => aContainer({ name }))] }, { namespace: "team" });
    const result = governPod(pod, aGovernance({ settings: stand.settings, ...changes }));
    if (result.kind === "refused") throw new Error(result.problems.join("\n"));
    const copy = structuredClone(result.pod);
    change(copy);
    return copy;
  }

  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    stand = await WebhookStand.open(plane, ["team"], false);
    await plane.createNamespace("elsewhere");
    await plane.createNamespace("labelled", { "weir.dev/governed": "enabled" });
    // The API server takes a moment until it asks a new policy.
    const refuses = async (pod: ReadPod, reason: RegExp, namespace = "team") => vi.waitFor(async () => { expect(message(await create(pod, namespace))).toMatch(reason); }, { timeout: 20_000, interval: 100 });
    await refuses(aPod(), /boundary is missing/);
    await refuses(aPod({ hostNetwork: true }, { labels: {} }), /share neither network/, "labelled");
    await refuses(aPod({}, { labels: { "weir.dev/thread": "t" } }), /weir\.dev\/thread/);
  });
  afterAll(async () => plane?.stop());

  test.each<[string, Partial<Governance>]>([
    ["a plain pod", {}], ["one with an identity for a container", { identities: ["shell"] }], ["one with further roots", { trust: { mountSystemBundle: true, extraCaConfigMap: "roots" } }],
    ["one that serves", { inbound: "any" }],
  ])("let through what the webhook makes: %s", async (_name, changes) => {
    expect(message(await create(governed(() => {}, changes)))).toBe("accepted");
  });

  test("let through an instance as the controller makes it, and only from the controller", async () => {
    const agent = { metadata: { name: "coder", namespace: "team", uid: "a" }, spec: agentSpec.parse({ image: "coder:1", mcpServers: [{ name: "shell", image: "s:1", port: 8_001 }], volumes: [{ name: "work", mountPath: "/work" }] }) };
    const thread = { metadata: { name: "t1", namespace: "team", uid: "u1" }, spec: threadSpec.parse({ agent: "coder", user: "ann", grants: ["github"] }) };
    const result = instancePod(thread, agent, { settings: stand.settings, podName: "weir-t1", claimName: (volume) => `weir-t1.${volume}`, dummies: { agent: { variables: { RC: "/run/weir/dummies/RC" }, files: { RC: "dummy" } } } });
    const pod = result.kind === "governed" ? result.pod : aPod();
    expect(message(await asController("POST", `${path("team")}?dryRun=All`, pod))).toBe("accepted");
    expect(message(await create(pod))).toMatch(/only Weir's controller|Only Weir's controller/);
  });

  test.each<[string, Change, RegExp]>([
    ["has no boundary", (pod) => { pod.spec.initContainers = []; }, /boundary is missing/],
    ["has the sidecar first", (pod) => { pod.spec.initContainers?.reverse(); }, /boundary is missing/],
    ["has something before the boundary", (pod) => { pod.spec.initContainers?.unshift(aContainer({ name: "early", securityContext: { capabilities: { drop: ["ALL"] } } })); }, /boundary is missing/],
    ["has a sidecar that does not stay", (pod) => { delete sidecar(pod)["restartPolicy"]; delete sidecar(pod)["startupProbe"]; }, /boundary is missing/],
    ["has another sidecar image", (pod) => { sidecar(pod)["image"] = "weir.local/weir-sidecar:evil"; }, /of the images/],
    ["has another init image", (pod) => { init(pod)["image"] = "init:1"; }, /of the images/],
    ["has a sidecar with a command", (pod) => { sidecar(pod)["command"] = ["sleep", "9"]; }, /run as Weir wrote them/],
    ["has an init with a hook", (pod) => { init(pod).env = [...init(pod).env ?? [], { name: "NODE_OPTIONS", value: "--import=x" }]; }, /settings that Weir gives it/],
    ["has an init that nobody waits for", (pod) => { init(pod)["restartPolicy"] = "Always"; }, /boundary is missing/],
    ["shows what a node runs already, so that no webhook sees it", (pod) => {
      pod.metadata.annotations = { ...pod.metadata.annotations, "kubernetes.io/config.mirror": "x" };
      Object.assign(pod.spec, { nodeName: "n1", volumes: pod.spec.volumes?.filter(({ name }) => name !== "weir-identity") });
      sidecar(pod).volumeMounts = sidecar(pod).volumeMounts?.filter(({ name }) => name !== "weir-identity");
    }, /No governed pod can be here/],
    ["has an init that only writes files", (pod) => { init(pod).env = [{ name: "WEIR_MODE", value: "trust" }]; }, /settings that Weir gives it/],
    ["has an init with flags", (pod) => { init(pod)["args"] = ["--node-addresses", "203.0.113.9"]; }, /settings that Weir gives it/],
    ["has an init with more rights", (pod) => { secure(init(pod), { capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW"] } }); }, /NET_ADMIN at most/],
    ["has a sidecar as root", (pod) => { secure(sidecar(pod), { runAsUser: 0, runAsNonRoot: false }); }, /run as user 64000/],
    ["has a sidecar that gates nothing", (pod) => { delete sidecar(pod)["startupProbe"]; }, /gate what follows/],
    ["is on the node's network", (pod) => { pod.spec.hostNetwork = true; }, /neither network/],
    ["sees the node's processes", (pod) => { pod.spec.hostPID = true; }, /neither network/],
    ["shares processes", (pod) => { pod.spec.shareProcessNamespace = true; }, /among its containers/],
    ["mounts a folder of the node", (pod) => { pod.spec.volumes?.push({ name: "run", hostPath: { path: "/run" } }); }, /nothing of its node/],
    ["mounts a share from anywhere", (pod) => { pod.spec.volumes?.push({ name: "out", nfs: { server: "192.0.2.9", path: "/" } }); }, /nothing that the node would fetch/],
    ["takes a port of its node", (pod) => { app(pod)["ports"] = [{ containerPort: 80, hostPort: 10_250 }]; }, /nor ports with its node/],
    ["has its node call somebody else", (pod) => { app(pod)["livenessProbe"] = { httpGet: { port: 80, host: "169.254.169.254" } }; }, /name no host/],
    ["has its node call somebody when it stops", (pod) => { app(pod)["lifecycle"] = { preStop: { httpGet: { port: 80, host: "192.0.2.9" } } }; }, /name no host/],
    ["turns the kernel's own protection off", (pod) => { pod.spec.securityContext = { sysctls: [{ name: "net.ipv4.conf.all.route_localnet", value: "1" }] }; }, /sets no sysctl/],
    ["is unconfined by AppArmor", (pod) => { secure(app(pod), { appArmorProfile: { type: "Unconfined" } }); }, /unconfined/],
    ["is unconfined by seccomp as a whole", (pod) => { pod.spec.securityContext = { seccompProfile: { type: "Unconfined" } }; }, /not unconfined/],
    ["gets a token for the API server", (pod) => { pod.spec["automountServiceAccountToken"] = true; }, /no token for the API server/],
    ["is privileged", (pod) => { app(pod).securityContext = { privileged: true, capabilities: { drop: ["ALL"] } }; }, /neither privileged nor unconfined/],
    ["has NET_ADMIN", (pod) => { secure(app(pod), { capabilities: { add: ["NET_ADMIN"], drop: ["NET_RAW"] } }); }, /no right beyond/],
    ["has SYS_ADMIN by another spelling", (pod) => { secure(app(pod), { capabilities: { add: ["CAP_SYS_ADMIN"], drop: ["NET_RAW"] } }); }, /no right beyond/],
    ["is unconfined by seccomp", (pod) => { secure(app(pod), { seccompProfile: { type: "Unconfined" } }); }, /unconfined/],
    ["keeps NET_RAW", (pod) => { secure(app(pod), { capabilities: { drop: ["MKNOD"] } }); }, /must drop NET_RAW/],
    ["shows the identity to the agent", (pod) => { app(pod).volumeMounts?.push({ name: "weir-identity", mountPath: "/t" }); }, /Only the sidecar mounts/],
    ["has a second identity", (pod) => { pod.spec.volumes?.push({ name: "t", projected: { sources: [{ serviceAccountToken: { audience: "weir-proxy", path: "t" } }] } }); }, /token for the boundary/],
    ["runs as the sidecar's user", (pod) => { secure(app(pod), { runAsUser: 64_000 }); }, /belong to the boundary/],
    ["runs as the user of an identity", (pod) => { secure(app(pod), { runAsUser: 64_100 }); }, /belong to the boundary/],
    ["runs as such a user as a whole", (pod) => { pod.spec.securityContext = { runAsUser: 64_100 }; }, /belong to the boundary/],
    ["names no agent", (pod) => { pod.metadata.labels = { "weir.dev/inject": "enabled" }; }, /needs the labels/],
    ["does not ask for the webhook", (pod) => { pod.metadata.labels = { "weir.dev/agent": "coder" }; }, /only Weir's controller leaves/],
  ])("refuse a governed pod that %s", async (_name, change, reason) => {
    // Where no agents are expected: what this policy says holds everywhere, and the one for namespaces would be faster elsewhere.
    expect(message(await create(governed(change), "elsewhere"))).toMatch(reason);
  });

  test.each<[string, Change]>([
    ["may become another user", (pod) => { secure(app(pod), { capabilities: { drop: ["NET_RAW"] } }); }],
    ["may gain privileges", (pod) => { secure(app(pod), { allowPrivilegeEscalation: true }); }],
    ["has the capability after all", (pod) => { secure(app(pod), { capabilities: { drop: ["ALL"], add: ["SETUID"] } }); }],
  ])("refuse a pod with identities in which another container %s", async (_name, change) => {
    expect(message(await create(governed(change, { identities: ["shell"] })))).toMatch(/no other may become its user/);
  });

  test("refuse a pod with identities in which another container leaves its user to its image", async () => {
    const nameless = governed((pod) => { delete app(pod).securityContext?.runAsUser; }, { identities: ["shell"] });
    expect(message(await create(nameless))).toMatch(/every other says which user it runs as/);
    expect(message(await create({ ...nameless, spec: { ...nameless.spec, securityContext: { ...nameless.spec.securityContext, runAsUser: 1_000 } } }))).toBe("accepted");
  });

  test("refuse a pod that asks for the boundary where no webhook is asked", async () => {
    expect(message(await create(governed(), RELEASE.namespace))).toMatch(/No governed pod can be here/);
    expect(message(await create(aPod({}, { labels: {} }), RELEASE.namespace))).toBe("accepted");
  });

  test.each(["true", "Enabled", "yes", ""])("refuse the label weir.dev/inject=%s, by which nobody would be governed", async (value) => {
    expect(message(await create(aPod({}, { labels: { "weir.dev/inject": value } }), "elsewhere"))).toMatch(/enabled or disabled/);
  });

  test.each<[string, object, string, RegExp | string]>([
    ["adds NET_ADMIN", { securityContext: { capabilities: { add: ["NET_ADMIN"] } } }, "team", /NET_ADMIN belongs to weir-init alone/],
    ["adds NET_RAW, in a namespace with the label", { securityContext: { capabilities: { add: ["NET_RAW"] } } }, "labelled", /NET_ADMIN belongs to weir-init alone/],
    ["is privileged", { securityContext: { privileged: true } }, "team", /neither privileged/],
    ["calls itself weir-init", { name: "weir-init", securityContext: { capabilities: { add: ["NET_ADMIN"] } } }, "team", /NET_ADMIN belongs to weir-init alone/],
    ["takes a port of its node", { ports: [{ containerPort: 80, hostPort: 10_250 }] }, "team", /nor ports with their node/],
    ["adds NET_ADMIN where no agents run", { securityContext: { capabilities: { add: ["NET_ADMIN"] } } }, "elsewhere", "accepted"],
    ["adds nothing", {}, "team", "accepted"],
  ])("of a pod without the label that %s: as said", async (_name, container, namespace, expected) => {
    expect(message(await create(aPod({ containers: [aContainer(container)] }, { labels: {} }), namespace))).toMatch(expected);
  });

  test("refuse an init container of our name and image, with NET_ADMIN, in a pod that is not governed", async () => {
    const { initContainers } = governed().spec;
    expect(message(await create(aPod({ initContainers: initContainers?.slice(0, 1) ?? [], volumes: [{ name: "weir-trust", emptyDir: {} }] }, { labels: {} })))).toMatch(/NET_ADMIN belongs to weir-init alone/);
  });

  describe("for a pod that is there", () => {
    const there = `${path("team")}/app-1`;
    beforeAll(async () => { expect(message(await plane.call("POST", path("team"), governed()))).toBe("accepted"); });
    const patch = async (metadata: object) => message(await plane.call("PATCH", `${there}?dryRun=All`, { metadata }));

    test.each<[string, object, RegExp]>([
      ["another agent", { labels: { "weir.dev/agent": "other" } }, /weir\.dev\/agent stays/],
      ["no agent", { labels: { "weir.dev/agent": null } }, /weir\.dev\/agent stays/],
      ["no boundary asked for", { labels: { "weir.dev/inject": null } }, /weir\.dev\/inject stays/],
      ["a thread", { labels: { "weir.dev/thread": "t" } }, /Only Weir's controller/],
      ["a user", { annotations: { "weir.dev/user": "boss" } }, /Only Weir's controller/],
      ["a chain", { annotations: { "weir.dev/chain": "[]" } }, /Only Weir's controller/],
      ["grants", { annotations: { "weir.dev/grants": "[]" } }, /Only Weir's controller/],
      ["an allowance", { annotations: { "weir.dev/allowance": "{}" } }, /Only Weir's controller/],
      ["allowances above it", { annotations: { "weir.dev/chain-allowances": "[]" } }, /Only Weir's controller/],
      ["identities", { annotations: { "weir.dev/identities": '{"app":64100}' } }, /identities stays/],
    ])("nobody writes %s", async (_name, metadata, reason) => {
      expect(await patch(metadata)).toMatch(reason);
    });

    test("anybody writes labels that are not ours, and the controller writes the user", async () => {
      expect(await patch({ labels: { mine: "1" } })).toBe("accepted");
      expect(message(await asController("PATCH", `${there}?dryRun=All`, { metadata: { annotations: { "weir.dev/user": "ann" } } }))).toBe("accepted");
      expect(message(await asController("PATCH", `${there}?dryRun=All`, { metadata: { labels: { "weir.dev/agent": "other" } } }))).toMatch(/stays/);
    });

    test("nobody exchanges the sidecar's image, and the agent's may be", async () => {
      const { body } = await plane.call("GET", there);
      const swap = async (change: Change) => {
        const pod = structuredClone(body) as unknown as ReadPod;
        change(pod);
        return message(await plane.call("PUT", `${there}?dryRun=All`, pod));
      };
      expect(await swap((pod) => { sidecar(pod)["image"] = "evil:1"; })).toMatch(/images of the boundary's containers stay/);
      expect(await swap((pod) => { app(pod)["image"] = "app:2"; })).toBe("accepted");
    });

    test("nobody writes whose it is by way of its status", async () => {
      const status = async (metadata: object) => message(await plane.call("PATCH", `${there}/status?dryRun=All`, { metadata, status: { message: "x" } }));
      expect(await status({ annotations: { "weir.dev/user": "boss" } })).toMatch(/Only Weir's controller/);
      expect(await status({ labels: { "weir.dev/agent": "other" } })).toMatch(/weir\.dev\/agent stays/);
      expect(await status({})).toBe("accepted");
    });

    test("its addresses are written by nodes, and not by a tenant who may write statuses of the namespace", async () => {
      const rules = [{ apiGroups: [""], resources: ["pods/status"], verbs: ["patch"] }];
      const rbac = { apiVersion: "rbac.authorization.k8s.io/v1" };
      await plane.call("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/team/roles", { ...rbac, kind: "Role", metadata: { name: "tell" }, rules });
      await plane.call("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/team/rolebindings", {
        ...rbac, kind: "RoleBinding", metadata: { name: "tell" }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "tell" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "tenant" }],
      });
      const says = async (user: string, groups: readonly string[], status: object) =>
        message(await callKube(await plane.identity(user, groups), "PATCH", `${there}/status?dryRun=All`, { status }));
      const NEIGHBOUR = { podIP: "10.0.0.9", podIPs: [{ ip: "10.0.0.9" }] };
      await vi.waitFor(async () => { expect(await says("tenant", [], { message: "x" })).toBe("accepted"); }, { timeout: 20_000, interval: 100 });
      expect(await says("tenant", [], NEIGHBOUR)).toMatch(/addresses of a pod are written by its node/);
      const onNode = governed((pod) => { pod.metadata.name = "app-3"; pod.spec["nodeName"] = "n1"; });
      expect(message(await plane.call("POST", path("team"), onNode))).toBe("accepted");
      const kubelet = await plane.identity("system:node:n1", ["system:nodes"]);
      expect(message(await callKube(kubelet, "PATCH", `${path("team")}/app-3/status?dryRun=All`, { status: NEIGHBOUR }))).toBe("accepted");
    });

    test("nobody writes whose it is by binding it to a node", async () => {
      const bind = async (metadata: object) => message(await plane.call("POST", `${there}/binding?dryRun=All`, { apiVersion: "v1", kind: "Binding", metadata: { name: "app-1", ...metadata }, target: { kind: "Node", name: "n1" } }));
      expect(await bind({ annotations: { "weir.dev/user": "boss" } })).toMatch(/A binding says on which node/);
      expect(await bind({ labels: { "weir.dev/thread": "t" } })).toMatch(/A binding says on which node/);
      expect(await bind({})).toBe("accepted");
    });

    test.each(["exec", "attach"])("nobody runs a command in the sidecar: %s", async (verb) => {
      const connect = async (container: string) => message(await plane.call("POST", `${there}/${verb}?container=${container}&command=id&stdout=true`));
      expect(await connect("weir-sidecar")).toMatch(/Nobody runs commands in the boundary's own containers/);
      expect(await connect("weir-init")).toMatch(/Nobody runs commands/);
      expect(await connect("app")).not.toMatch(/Nobody runs commands/);
    });

    const RESTRICTED = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
    test.each<[string, object, RegExp | string]>([
      ["has no right", { securityContext: RESTRICTED, targetContainerName: "app" }, "accepted"],
      ["says nothing of its rights", {}, /no right at all/],
      ["is privileged", { securityContext: { privileged: true } }, /no right at all/],
      ["adds NET_RAW", { securityContext: { ...RESTRICTED, capabilities: { drop: ["ALL"], add: ["NET_RAW"] } } }, /no right at all/],
      ["is not held by AppArmor", { securityContext: { ...RESTRICTED, appArmorProfile: { type: "Unconfined" } } }, /no right at all/],
      ["is the sidecar's user", { securityContext: { ...RESTRICTED, runAsUser: 64_000 } }, /belong to the boundary/],
      ["is the user of an identity", { securityContext: { ...RESTRICTED, runAsUser: 64_100 } }, /belong to the boundary/],
      ["looks at the sidecar", { securityContext: RESTRICTED, targetContainerName: "weir-sidecar" }, /neither the sidecar's processes/],
      ["mounts the identity", { securityContext: RESTRICTED, volumeMounts: [{ name: "weir-identity", mountPath: "/t" }] }, /neither the sidecar's processes/],
    ])("of a debugging container that %s: as said", async (_name, container, expected) => {
      const { body } = await plane.call("GET", there);
      const spec = { ...body["spec"] as object, ephemeralContainers: [{ name: "debug", image: "busybox:1", ...container }] };
      expect(message(await plane.call("PUT", `${there}/ephemeralcontainers?dryRun=All`, { ...body, spec }))).toMatch(expected);
    });

    test("a debugging container beside identities says its user", async () => {
      const pod = governed((one) => { one.metadata.name = "app-2"; }, { identities: ["shell"] });
      expect(message(await plane.call("POST", path("team"), pod))).toBe("accepted");
      const { body } = await plane.call("GET", `${path("team")}/app-2`);
      const debug = async (securityContext: object) => {
        const spec = { ...body["spec"] as object, ephemeralContainers: [{ name: "debug", image: "busybox:1", securityContext }] };
        return message(await plane.call("PUT", `${path("team")}/app-2/ephemeralcontainers?dryRun=All`, { ...body, spec }));
      };
      expect(await debug(RESTRICTED)).toMatch(/debugging container says its own/);
      expect(await debug({ ...RESTRICTED, runAsUser: 1_000 })).toBe("accepted");
    });

    test("it can be deleted", async () => {
      expect((await plane.call("DELETE", `${there}?dryRun=All`)).status).toBe(200);
    });
  });

  describe("of a thread that somebody creates by kubectl", () => {
    const threads = "/apis/weir.dev/v1alpha1/namespaces/team/threads?dryRun=All";
    const open = async (spec: object, user = "ann@example.test", groups: readonly string[] = []) => message(await callKube(await plane.identity(user, groups), "POST", threads, {
      apiVersion: "weir.dev/v1alpha1", kind: "Thread", metadata: { generateName: "t-" }, spec: { agent: "coder", user: "ann@example.test", ...spec },
    }));
    beforeAll(async () => {
      const rules = [{ apiGroups: ["weir.dev"], resources: ["threads"], verbs: ["create"] }];
      const rbac = { apiVersion: "rbac.authorization.k8s.io/v1" };
      await plane.call("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/team/roles", { ...rbac, kind: "Role", metadata: { name: "open" }, rules });
      await plane.call("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/team/rolebindings", {
        ...rbac, kind: "RoleBinding", metadata: { name: "open" }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "open" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "ann@example.test" }],
      });
      await vi.waitFor(async () => { expect(await open({ user: "boss" })).toMatch(/spec\.user must be who creates the thread/); }, { timeout: 20_000, interval: 100 });
    });

    test("its user is whoever creates it", async () => {
      expect(await open({})).toBe("accepted");
      expect(await open({ user: "oidc:boss" })).toMatch(/spec\.user must be who creates the thread \(ann@example\.test\), or somebody whom they may impersonate/);
    });

    test("nobody says who sent it", async () => {
      expect(await open({ chain: ["team/boss/t0"] })).toMatch(/written by Weir's controller alone/);
      expect(await open({ parent: { name: "t0", uid: "u" } })).toMatch(/written by Weir's controller alone/);
    });

    test("who may be anybody may say so: a restored backup keeps what it had", async () => {
      expect(await open({ user: "oidc:boss", chain: ["team/boss/t0"], parent: { name: "t0", uid: "u" } }, "root", ["system:masters"])).toBe("accepted");
    });

    test("the controller writes all of it", async () => {
      const thread = { apiVersion: "weir.dev/v1alpha1", kind: "Thread", metadata: { generateName: "t-" }, spec: { agent: "coder", user: "oidc:boss", chain: ["team/boss/t0"] } };
      const identity = await plane.identity(CONTROLLER_USER, ["system:serviceaccounts"]);
      expect(message(await callKube(identity, "POST", threads, thread))).toBe("accepted");
    });
  });
});
