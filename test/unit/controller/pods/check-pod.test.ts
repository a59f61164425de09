import { describe, expect, test } from "vitest";
import { findProblems, withoutOurParts } from "../../../../controller/pods/check-pod.ts";
import type { ReadPod } from "../../../../controller/resources/pod.ts";
import { aContainer, aPod } from "../../../support/pods.ts";

const problemsOf = (spec: Partial<ReadPod["spec"]>, identities: readonly string[] = []) => findProblems(aPod(spec), identities).join("\n");

describe("a pod", () => {
  test("of nothing but a container has no problem", () => {
    expect(findProblems(aPod(), [])).toEqual([]);
    expect(findProblems(aPod({ hostNetwork: false, shareProcessNamespace: false, securityContext: { runAsUser: 1_000, sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }] } }), [])).toEqual([]);
  });

  test.each<[string, Partial<ReadPod["spec"]>, RegExp]>([
    ["shares its node's network", { hostNetwork: true }, /spec\.hostNetwork/],
    ["shares its node's processes", { hostPID: true }, /spec\.hostPID/],
    ["shares its node's IPC", { hostIPC: true }, /spec\.hostIPC/],
    ["shares processes among its containers", { shareProcessNamespace: true }, /spec\.shareProcessNamespace/],
    ["is a reserved user as a whole", { securityContext: { runAsUser: 64_100 } }, /spec\.securityContext must not run as user 64100/],
    ["is unconfined as a whole", { securityContext: { seccompProfile: { type: "Unconfined" } } }, /spec\.securityContext must not be unconfined by seccomp/],
    ["turns the kernel's own protection off", { securityContext: { sysctls: [{ name: "net.ipv4.conf.all.route_localnet", value: "1" }] } }, /sysctl net\.ipv4\.conf\.all\.route_localnet/],
    ["does so in the other spelling", { securityContext: { sysctls: [{ name: "net/ipv4/ip_forward", value: "1" }] } }, /sysctl net\.ipv4\.ip_forward/],
    ["mounts its node", { volumes: [{ name: "run", hostPath: {} }] }, /Volume run/],
    ["has a privileged container that runs first", { initContainers: [aContainer({ securityContext: { privileged: true } })] }, /must not be privileged/],
    ["has a privileged container for debugging", { ephemeralContainers: [aContainer({ name: "debug", securityContext: { privileged: true } })] }, /Container debug must not be privileged/],
  ])("that %s has one", (_name, spec, reason) => {
    expect(problemsOf(spec)).toMatch(reason);
  });

  test("tells all of its problems at once", () => {
    expect(findProblems(aPod({ hostNetwork: true, hostPID: true, volumes: [{ name: "run", hostPath: {} }] }), [])).toHaveLength(3);
  });
});

describe("containers with an identity of their own", () => {
  const two = { containers: [aContainer({ securityContext: { runAsUser: 0 } }), aContainer({ name: "shell" })] };

  test("are in the pod, and at most 16", () => {
    expect(problemsOf(two, ["shell"])).toBe("");
    expect(problemsOf(two, ["files"])).toMatch(/no container files/);
    const many = Array.from({ length: 17 }, (_, index) => `c${index}`);
    expect(problemsOf({ containers: many.map((name) => aContainer({ name })) }, many)).toBe("At most 16 containers of a pod can have an identity of their own.");
  });

  test("make every other container say its user, those that run first too", () => {
    const unnamed = { ...two, containers: [aContainer(), aContainer({ name: "shell" })], initContainers: [aContainer({ name: "first" })] };
    expect(findProblems(aPod(unnamed), ["shell"])).toEqual([expect.stringMatching(/^Container first must say/), expect.stringMatching(/^Container app must say/)]);
    expect(problemsOf({ ...unnamed, securityContext: { runAsUser: 1_000 } }, ["shell"])).toBe("");
    expect(problemsOf(unnamed)).toBe("");
  });
});

test("what has our names is taken out, and nothing else", () => {
  const pod = aPod({
    initContainers: ["weir-init", "weir-sidecar", "migrate"].map((name) => aContainer({ name })),
    volumes: ["weir-trust", "weir-identity", "weir-state", "weir-extra-ca", "data"].map((name) => ({ name })),
  });
  const { spec } = withoutOurParts(pod);
  expect([spec.initContainers?.map(({ name }) => name), spec.volumes?.map(({ name }) => name), spec.containers]).toEqual([["migrate"], ["data"], pod.spec.containers]);
});
