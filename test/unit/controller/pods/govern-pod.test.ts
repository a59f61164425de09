import { describe, expect, test } from "vitest";
import { ANNOTATIONS, FIRST_IDENTITY_UID, POD_PARTS, SIDECAR_UID } from "../../../../common/labels.ts";
import { boundaryVolumes } from "../../../../controller/pods/boundary-parts.ts";
import { governPod } from "../../../../controller/pods/govern-pod.ts";
import type { Governance } from "../../../../controller/pods/governance.ts";
import type { ReadPod } from "../../../../controller/resources/pod.ts";
import { initConfig } from "../../../../init/config.ts";
import { readSettings } from "../../../../sidecar/settings.ts";
import { aContainer, aGovernance, aPod, POD_SETTINGS } from "../../../support/pods.ts";

function governed(pod: ReadPod, changes: Partial<Governance> = {}): { pod: ReadPod; warnings: readonly string[] } {
  const result = governPod(pod, aGovernance(changes));
  if (result.kind === "refused") throw new Error(result.problems.join("\n"));
  return result;
}
const refused = (pod: ReadPod, changes: Partial<Governance> = {}) => {
  const result = governPod(pod, aGovernance(changes));
  return result.kind === "refused" ? result.problems.join("\n") : "governed";
};
const variablesOf = (container: { env?: readonly Record<string, unknown>[] | undefined } | undefined) => Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));
const withSecurity = (securityContext: Record<string, unknown>) => aPod({ containers: [aContainer({ securityContext })] });

describe("a governed pod", () => {
  test("starts the boundary before everything of its author's, native sidecar included", () => {
    const { spec } = governed(aPod({ initContainers: [aContainer({ name: "migrate" })] })).pod;
    expect(spec.initContainers?.map(({ name, restartPolicy }) => [name, restartPolicy])).toEqual([["weir-init", undefined], ["weir-sidecar", "Always"], ["migrate", undefined]]);
    expect(spec.initContainers?.[1]?.["startupProbe"]).toMatchObject({ exec: { command: expect.arrayContaining(["--await-ready", "/run/weir/ready"]) } });
  });

  test("gives init and sidecar what their own readers of settings take", () => {
    const pod = aPod({ securityContext: { runAsUser: 1_000 }, containers: [aContainer(), aContainer({ name: "shell" })] });
    const [init, sidecar] = governed(pod, { identities: ["shell"] }).pod.spec.initContainers ?? [];
    const { WEIR_MODE, WEIR_NODE_ADDRESSES, WEIR_PROXY_PORT, WEIR_SIDECAR_UID, WEIR_CONTAINERS, WEIR_INBOUND, WEIR_CA_PEM, WEIR_TRUST_DIRECTORY, ...rest } = variablesOf(init);
    const settings = initConfig.parse({ mode: WEIR_MODE, nodeAddresses: WEIR_NODE_ADDRESSES, proxyPort: Number(WEIR_PROXY_PORT), sidecarUid: Number(WEIR_SIDECAR_UID), containers: WEIR_CONTAINERS, inbound: WEIR_INBOUND, caPem: WEIR_CA_PEM, trustDirectory: WEIR_TRUST_DIRECTORY });
    expect(settings).toMatchObject({ nodeAddresses: ["10.79.96.7"], proxyPort: 15_008, sidecarUid: SIDECAR_UID, containers: [{ name: "shell", uid: FIRST_IDENTITY_UID }], inbound: "none" });
    expect(rest).toEqual({});
    expect(readSettings(sidecar?.["args"] as string[])).toMatchObject({ proxy: { host: "10.79.96.7", port: 15_008 }, readyFile: "/run/weir/ready", doors: [{ container: null }, { container: "shell", tcpPort: 15_002 }] });
  });

  test("lets nobody but init have NET_ADMIN, and runs nothing else of ours as root", () => {
    const [init, sidecar] = governed(aPod()).pod.spec.initContainers ?? [];
    expect(init?.securityContext).toMatchObject({ runAsUser: 0, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] } });
    expect(sidecar?.securityContext).toMatchObject({ runAsUser: SIDECAR_UID, runAsNonRoot: true, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] }, seccompProfile: { type: "RuntimeDefault" } });
  });

  test("needs no right at all where the node's agent writes the rules", () => {
    const { spec } = governed(aPod(), { settings: { ...POD_SETTINGS, redirect: "node" } }).pod;
    expect(variablesOf(spec.initContainers?.[0])).toMatchObject({ WEIR_MODE: "trust" });
    expect(spec.initContainers?.map(({ securityContext }) => [securityContext?.["runAsNonRoot"], securityContext?.capabilities])).toEqual([[true, { drop: ["ALL"] }], [true, { drop: ["ALL"] }]]);
  });

  test("mounts the identity token into the sidecar and nowhere else, and no token for the API server", () => {
    const apiAccess = { name: "kube-api-access-x7", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } };
    const mount = { name: "kube-api-access-x7", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" };
    const { spec } = governed(aPod({ volumes: [apiAccess], containers: [aContainer({ volumeMounts: [mount] })], initContainers: [aContainer({ name: "first", volumeMounts: [mount] })] })).pod;
    const all = [...spec.initContainers ?? [], ...spec.containers];
    expect(all.filter(({ volumeMounts }) => volumeMounts?.some(({ name }) => name === POD_PARTS.identityVolume)).map(({ name }) => name)).toEqual(["weir-sidecar"]);
    expect(JSON.stringify(spec)).not.toContain("kube-api-access");
    expect(spec["automountServiceAccountToken"]).toBe(false);
    expect(boundaryVolumes(aGovernance())).toContainEqual({ name: "weir-identity", projected: { defaultMode: 0o444, sources: [{ serviceAccountToken: { audience: "weir-proxy", expirationSeconds: 3_600, path: "token" } }] } });
  });

  test("asks some address for names, because every question is turned to the sidecar", () => {
    expect(governed(aPod({ dnsPolicy: "ClusterFirst" })).pod.spec).toMatchObject({ dnsPolicy: "None", dnsConfig: { nameservers: ["10.79.96.7"] } });
  });

  test("makes each container of its author's trust the boundary, without overruling them", () => {
    const own = aContainer({ env: [{ name: "SSL_CERT_FILE", value: "/mine.pem" }], volumeMounts: [{ name: "roots", mountPath: "/etc/ssl/certs" }] });
    const { spec } = governed(aPod({ containers: [own], initContainers: [aContainer({ name: "first" })], volumes: [{ name: "roots", configMap: { name: "roots" } }] })).pod;
    expect(variablesOf(spec.containers[0])).toMatchObject({ SSL_CERT_FILE: "/mine.pem", NODE_EXTRA_CA_CERTS: "/weir/trust/ca.crt" });
    expect(spec.containers[0]?.volumeMounts?.map(({ mountPath }) => mountPath)).toEqual(["/etc/ssl/certs", "/weir/trust"]);
    expect(spec.initContainers?.[2]?.volumeMounts).toEqual([
      { name: "weir-trust", mountPath: "/weir/trust", readOnly: true }, { name: "weir-trust", mountPath: "/etc/ssl/certs/ca-certificates.crt", subPath: "ca-bundle.crt", readOnly: true },
    ]);
  });

  test("mounts nothing over the system's roots if its agent says so, and brings the namespace's further roots", () => {
    const { spec } = governed(aPod(), { trust: { mountSystemBundle: false, extraCaConfigMap: "roots" } }).pod;
    expect(spec.containers[0]?.volumeMounts).toEqual([{ name: "weir-trust", mountPath: "/weir/trust", readOnly: true }]);
    expect(variablesOf(spec.initContainers?.[0])["WEIR_EXTRA_CA_FILES"]).toBe("/weir/extra-ca/ca.crt");
    expect(spec.volumes).toContainEqual({ name: "weir-extra-ca", configMap: { name: "roots", defaultMode: 0o444 } });
  });

  test("takes raw sockets and every right beyond the default ones from containers, and says so", () => {
    const { pod, warnings } = governed(withSecurity({ capabilities: { add: ["CAP_NET_ADMIN", "sys_ptrace", "CHOWN", "NET_RAW", "BPF"], drop: ["MKNOD"] } }));
    expect(pod.spec.containers[0]?.securityContext?.capabilities).toEqual({ add: ["CHOWN"], drop: ["MKNOD", "NET_RAW", "NET_ADMIN"] });
    expect(warnings).toEqual(["container app does not get NET_ADMIN, SYS_PTRACE, NET_RAW, BPF: a governed pod has no such right"]);
    expect(governed(withSecurity({ capabilities: { drop: ["ALL"] } })).pod.spec.containers[0]?.securityContext?.capabilities).toEqual({ drop: ["ALL"] });
  });

  test("leaves a container without identities in its pod the right to become another user", () => {
    const [container] = governed(aPod()).pod.spec.containers;
    expect(container?.securityContext).toEqual({ capabilities: { drop: ["NET_RAW", "NET_ADMIN"] } });
  });

  test("warns that a pod which is asked from outside cannot be, and stops when it may", () => {
    const serving = aPod({ containers: [aContainer({ ports: [{ containerPort: 80 }] })] });
    expect(governed(serving).warnings).toEqual([expect.stringContaining("weir.dev/inbound=any")]);
    expect(governed(serving, { inbound: "any" }).warnings).toEqual([]);
    expect(governed(aPod({ containers: [aContainer({ readinessProbe: { exec: { command: ["true"] } } })] })).warnings).toEqual([]);
    expect(governed(aPod({ containers: [aContainer({ readinessProbe: { httpGet: { port: 80 } } })] })).warnings).toHaveLength(1);
  });
});

describe("containers with an identity of their own", () => {
  const two = aPod({
    containers: [
      aContainer({ securityContext: { runAsUser: 0, allowPrivilegeEscalation: true, capabilities: { add: ["SETUID"] } } }),
      aContainer({ name: "shell", securityContext: { runAsUser: 0, capabilities: { add: ["SYS_ADMIN"] } } }),
      aContainer({ name: "files" }),
    ],
    initContainers: [aContainer({ name: "first", securityContext: { runAsUser: 1_000 } })],
  });

  test("run as a user that nobody else can become", () => {
    const { pod } = governed(two, { identities: ["shell", "files"] });
    const [app, shell, files] = pod.spec.containers;
    const right = { runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
    expect(shell?.securityContext).toEqual({ ...right, runAsUser: 64_100, runAsGroup: 64_100 });
    expect(files?.securityContext).toEqual({ ...right, runAsUser: 64_101, runAsGroup: 64_101 });
    for (const other of [app, pod.spec.initContainers?.[2]]) {
      expect(other?.securityContext).toMatchObject({ allowPrivilegeEscalation: false });
      expect(other?.securityContext?.capabilities?.add ?? []).toEqual([]);
      expect(other?.securityContext?.capabilities?.drop).toEqual(expect.arrayContaining(["SETUID", "SETGID", "SETFCAP", "NET_RAW"]));
    }
    expect(JSON.parse(pod.metadata.annotations?.[ANNOTATIONS.identities] ?? "")).toEqual({ shell: 64_100, files: 64_101 });
  });

  test("are told by the boundary alone: what the author wrote there is gone", () => {
    const claimed = aPod({}, { annotations: { [ANNOTATIONS.identities]: '{"app":64100}' } });
    expect(governed(claimed).pod.metadata.annotations).not.toHaveProperty([ANNOTATIONS.identities]);
  });
});

describe("governing twice", () => {
  test.each<[string, ReadPod, Partial<Governance>]>([
    ["a plain pod", aPod(), {}],
    ["one with containers of all kinds", aPod({
      securityContext: { runAsUser: 1_000 },
      initContainers: [aContainer({ name: "first" }), aContainer({ name: "helper", restartPolicy: "Always" })],
      containers: [aContainer({ env: [{ name: "A", value: "1" }] }), aContainer({ name: "shell" })], volumes: [{ name: "data", emptyDir: {} }],
    }), { identities: ["shell"] }],
    ["one with further roots", aPod(), { trust: { mountSystemBundle: false, extraCaConfigMap: "roots" } }],
    ["one whose rules the node writes", aPod(), { settings: { ...POD_SETTINGS, redirect: "node" } }],
  ])("is the same as once: %s", (_name, pod, changes) => {
    const once = governed(pod, changes).pod;
    expect(governed(once, changes).pod).toEqual(once);
  });

  test("puts our own parts in the place of what somebody wrote under their names and mark", () => {
    const once = governed(aPod()).pod;
    const forged = structuredClone(once);
    Object.assign(forged.spec.initContainers?.[1] ?? {}, { image: "evil:1", command: ["sh"] });
    expect(governed(forged).pod).toEqual(once);
  });

  test("with other settings leaves another fingerprint", () => {
    const mark = (settings: Partial<typeof POD_SETTINGS>) => governed(aPod(), { settings: { ...POD_SETTINGS, ...settings } }).pod.metadata.annotations?.[ANNOTATIONS.injected];
    expect(mark({})).toBe(mark({}));
    expect(mark({ caPem: "other" })).not.toBe(mark({}));
  });
});

describe("a pod is refused", () => {
  test.each<[string, ReadPod, RegExp]>([
    ["for what it shares with its node", aPod({ hostNetwork: true }), /hostNetwork/],
    ["for what it mounts", aPod({ volumes: [{ name: "run", hostPath: { path: "/run" } }] }), /Volume run is a hostPath/],
    ["for a right of a container", withSecurity({ privileged: true }), /must not be privileged/],
    ["for a container named like the sidecar", aPod({ initContainers: [aContainer({ name: "weir-sidecar" })] }), /name of the boundary's own containers/],
    ["for a volume named like ours", aPod({ volumes: [{ name: "weir-trust", emptyDir: {} }] }), /name of the boundary's own volumes/],
  ])("%s", (_name, pod, reason) => {
    expect(refused(pod)).toMatch(reason);
  });

  test("with an identity mounted elsewhere, although it says that it has been governed", () => {
    const once = governed(aPod()).pod;
    const leaking = { ...once, spec: { ...once.spec, containers: [aContainer({ volumeMounts: [{ name: "weir-identity", mountPath: "/t" }] })] } };
    expect(refused(leaking)).toMatch(/must not mount weir-identity/);
  });

  test("with an identity for a container that is not there, or with too many of them", () => {
    expect(refused(aPod(), { identities: ["shell"] })).toMatch(/no container shell/);
    const many = Array.from({ length: 17 }, (_, index) => `c${index}`);
    expect(refused(aPod({ containers: many.map((name) => aContainer({ name })) }), { identities: many })).toMatch(/^At most 16[^\n]*$/);
  });

  test("with every reason at once", () => {
    expect(refused(aPod({ hostNetwork: true, hostPID: true })).split("\n")).toHaveLength(2);
  });
});
