import { describe, expect, test } from "vitest";
import { instancePod, type InstanceContext } from "../../../../controller/pods/instance-pod.ts";
import { volumeClaims } from "../../../../controller/pods/volume-claims.ts";
import { agentSpec, type Agent } from "../../../../controller/resources/agent.ts";
import { threadSpec, type Thread } from "../../../../controller/resources/thread.ts";
import { POD_SETTINGS } from "../../../support/pods.ts";

const anAgent = (spec: object = {}): Agent => ({ metadata: { name: "coder", namespace: "team", uid: "a" }, spec: agentSpec.parse({ image: "coder:1", ...spec }) });
const aThread = (spec: object = {}): Thread => ({ metadata: { name: "t1", namespace: "team", uid: "u1" }, spec: threadSpec.parse({ agent: "coder", user: "user:ann", ...spec }) });
const claimName = (volume: string) => `weir-t1.${volume}`;
function instance(agent: Agent, thread = aThread(), dummies: InstanceContext["dummies"] = {}) {
  const result = instancePod(thread, agent, { settings: POD_SETTINGS, podName: "weir-t1", claimName, dummies });
  if (result.kind === "refused") throw new Error(result.problems.join("\n"));
  return result.pod;
}
const variables = (pod: ReturnType<typeof instance>, name: string) => Object.fromEntries((pod.spec.containers.find((one) => one.name === name)?.env ?? []).map((one) => [one.name, one["value"] ?? one["valueFrom"]]));

describe("the pod of a thread", () => {
  test("is known by its agent and thread, belongs to the thread and is never started again by the kubelet", () => {
    const { metadata, spec } = instance(anAgent(), aThread({ chain: ["team/boss/t0"], grants: ["github"] }));
    expect(metadata).toMatchObject({
      name: "weir-t1", namespace: "team",
      labels: { "weir.dev/agent": "coder", "weir.dev/thread": "t1", "app.kubernetes.io/managed-by": "weir-controller" },
      annotations: { "weir.dev/user": "user:ann", "weir.dev/chain": '["team/boss/t0"]', "weir.dev/grants": '["github"]' },
      ownerReferences: [{ kind: "Thread", name: "t1", uid: "u1", controller: true, blockOwnerDeletion: true }],
    });
    expect(spec).toMatchObject({ restartPolicy: "Never", enableServiceLinks: false, automountServiceAccountToken: false });
    expect(spec.initContainers?.map(({ name }) => name)).toEqual(["weir-init", "weir-sidecar"]);
  });

  test("says what its thread, and each above it, may use: in the units of the ledger", () => {
    const { annotations } = instance(anAgent(), aThread({ chain: ["team/boss/t0"], allowance: { usd: "2.5", tokens: 100 }, chainAllowances: [{ usd: "7" }] })).metadata;
    expect(annotations).toMatchObject({ "weir.dev/allowance": '{"usd":"2500000000","tokens":"100"}', "weir.dev/chain-allowances": '[{"usd":"7000000000"}]' });
    expect(Object.keys(instance(anAgent()).metadata.annotations ?? {}).filter((name) => name.includes("allowance"))).toEqual([]);
  });

  test("without a limit on its grants carries none, so that its agent's holdings decide", () => {
    expect(instance(anAgent()).metadata.annotations).not.toHaveProperty(["weir.dev/grants"]);
  });

  test("tells the agent where it is and whom it can ask, and names that begin with WEIR_ are not the definition's", () => {
    const agent = anAgent({ env: [{ name: "WEIR_THREAD", value: "other" }, { name: "MODE", value: "fast" }, { name: "KEY", secretKeyRef: { name: "s", key: "k" } }], mcpServers: [{ name: "shell", image: "shell:1", port: 8_001 }, { name: "files", image: "files:1", port: 8_002 }] });
    expect(variables(instance(agent), "agent")).toMatchObject({
      WEIR_API: "https://weir.internal", WEIR_AGENT: "coder", WEIR_THREAD: "t1", AGENT_MCP_SERVERS: "shell:8001,files:8002", MODE: "fast", KEY: { secretKeyRef: { name: "s", key: "k" } },
    });
  });

  test("gives each server of tools an identity, an environment and nothing of the agent's", () => {
    const pod = instance(anAgent({
      volumes: [{ name: "work", mountPath: "/work" }], env: [{ name: "KEY", secretKeyRef: { name: "s", key: "k" } }],
      mcpServers: [{ name: "shell", image: "shell:1", port: 8_001, env: [{ name: "TOOLS", secretKeyRef: { name: "tools", key: "k" } }] }],
    }));
    const [agent, shell] = pod.spec.containers;
    expect(shell?.securityContext?.runAsUser).toBe(64_100);
    expect(variables(pod, "shell")).toMatchObject({ MCP_PORT: "8001", TOOLS: { secretKeyRef: { name: "tools", key: "k" } } });
    expect(variables(pod, "shell")).not.toHaveProperty("KEY");
    expect(variables(pod, "agent")).not.toHaveProperty("TOOLS");
    expect(agent?.volumeMounts).toContainEqual({ name: "work", mountPath: "/work" });
    expect(shell?.volumeMounts?.map(({ name }) => name)).not.toContain("work");
  });

  test("runs its agent as the user of its image, unless servers of tools are known by theirs or the definition names one", () => {
    const userOf = (spec: object) => instance(anAgent(spec)).spec.containers[0]?.securityContext?.runAsUser;
    const mcpServers = [{ name: "shell", image: "shell:1", port: 8_001 }];
    expect([userOf({}), userOf({ mcpServers }), userOf({ runAsUser: 1_000 }), userOf({ mcpServers, runAsUser: 1_000 })]).toEqual([undefined, 0, 1_000, 1_000]);
    expect(() => instance(anAgent({ mcpServers, runAsUser: 64_100 }))).toThrow(/user 64100: it belongs to the boundary/);
  });

  test("leaves an agent that is not root no right where the node writes the rules, so that its namespace can be restricted", () => {
    const restricted = { runAsUser: 1_000, runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
    const securityOf = (redirect: "init" | "node", spec: object) => {
      const result = instancePod(aThread(), anAgent(spec), { settings: { ...POD_SETTINGS, redirect }, podName: "weir-t1", claimName, dummies: {} });
      return result.kind === "governed" ? result.pod.spec.containers[0]?.securityContext : result;
    };
    expect(securityOf("node", { runAsUser: 1_000 })).toEqual(restricted);
    expect(securityOf("init", { runAsUser: 1_000 })).toMatchObject({ runAsUser: 1_000, capabilities: { drop: ["NET_RAW", "NET_ADMIN"] } });
    expect(securityOf("node", { runAsUser: 0 })).not.toHaveProperty("runAsNonRoot");
  });

  test("gives each container the dummies of its own grants, which win over what the definition says", () => {
    const definition = anAgent({ env: [{ name: "GITHUB_TOKEN", value: "theirs" }], mcpServers: [{ name: "search", image: "search:1", port: 8_001 }] });
    const pod = instance(definition, aThread(), {
      agent: { variables: { GITHUB_TOKEN: "ghp_dummy" }, files: {} }, search: { variables: { BRAVE_API_KEY: "BSAdummy", MCP_PORT: "1" }, files: {} },
    });
    expect(variables(pod, "agent")).toMatchObject({ GITHUB_TOKEN: "ghp_dummy" });
    expect(variables(pod, "agent")).not.toHaveProperty("BRAVE_API_KEY");
    expect(variables(pod, "search")).toMatchObject({ BRAVE_API_KEY: "BSAdummy", MCP_PORT: "8001" });
    expect(variables(pod, "search")).not.toHaveProperty("GITHUB_TOKEN");
  });

  test("mounts its claims, writable by an image's own user", () => {
    const { spec } = instance(anAgent({ volumes: [{ name: "work", mountPath: "/work" }] }));
    expect(spec.volumes).toContainEqual({ name: "work", persistentVolumeClaim: { claimName: "weir-t1.work" } });
    expect(spec.securityContext).toMatchObject({ fsGroup: 64_050, fsGroupChangePolicy: "OnRootMismatch" });
  });

  test.each([
    ["an agent without an image", { image: undefined }, /no image/],
    ["a server named like the agent's container", { mcpServers: [{ name: "agent", image: "x", port: 8_001 }] }, /name is taken/],
    ["a server named like the sidecar", { mcpServers: [{ name: "weir-sidecar", image: "x", port: 8_001 }] }, /boundary's own containers/],
    ["a volume over the trust files", { volumes: [{ name: "work", mountPath: "/weir/trust" }] }, /trust files/],
    ["a volume named like ours", { volumes: [{ name: "weir-identity", mountPath: "/work" }] }, /boundary's own volumes/],
  ])("is not made of %s", (_name, spec, reason) => {
    expect(() => instance(anAgent(spec))).toThrow(reason);
  });
});

describe("files with dummies", () => {
  const definition = anAgent({ mcpServers: [{ name: "publish", image: "publish:1", port: 8_001 }, { name: "search", image: "search:1", port: 8_002 }] });
  const pod = instance(definition, aThread(), {
    agent: { variables: { RC: "/run/weir/dummies/RC" }, files: { RC: "the agent's" } }, publish: { variables: { RC: "/run/weir/dummies/RC" }, files: { RC: "the server's" } },
  });
  const mountsOf = (name: string) => pod.spec.containers.find((one) => one.name === name)?.volumeMounts?.filter((mount) => mount.name === "weir-dummies");

  test("are written by the kubelet, for each container its own", () => {
    const { annotations } = pod.metadata;
    const volume = pod.spec.volumes?.find(({ name }) => name === "weir-dummies");
    const items = (volume?.["downwardAPI"] as { items: { path: string; fieldRef: { fieldPath: string } }[] } | undefined)?.items ?? [];
    const texts = items.map(({ path, fieldRef }) => [path, annotations?.[/'(.*)'/.exec(fieldRef.fieldPath)?.[1] ?? ""]]);
    expect(texts).toEqual([["agent/RC", "the agent's"], ["publish/RC", "the server's"]]);
    expect(mountsOf("agent")).toEqual([{ name: "weir-dummies", mountPath: "/run/weir/dummies", subPath: "agent", readOnly: true }]);
    expect(mountsOf("publish")).toEqual([{ name: "weir-dummies", mountPath: "/run/weir/dummies", subPath: "publish", readOnly: true }]);
  });

  test("are nowhere where no grant has any", () => {
    expect(mountsOf("search")).toEqual([]);
    expect(instance(definition).spec.volumes?.map(({ name }) => name)).not.toContain("weir-dummies");
  });
});

describe("the claims of a thread", () => {
  test("go with it, or stay without an owner", () => {
    const agent = anAgent({ volumes: [{ name: "work", mountPath: "/w", size: "5Gi", storageClassName: "fast" }, { name: "notes", mountPath: "/n", retention: "Retain" }] });
    const [work, notes] = volumeClaims(aThread(), agent, claimName);
    expect(work).toMatchObject({ metadata: { name: "weir-t1.work", namespace: "team", ownerReferences: [{ uid: "u1" }] }, spec: { accessModes: ["ReadWriteOnce"], storageClassName: "fast", resources: { requests: { storage: "5Gi" } } } });
    expect(notes?.metadata.ownerReferences).toBeUndefined();
    expect(notes?.["spec"]).not.toHaveProperty("storageClassName");
  });
});
