import { describe, expect, test } from "vitest";
import { containerProblems, type Neighbourhood } from "../../../../controller/pods/check-container.ts";
import type { ReadContainer } from "../../../../controller/resources/pod.ts";
import { aContainer } from "../../../support/pods.ts";

const ALONE: Neighbourhood = { hasIdentity: false, othersHave: false, podUser: undefined };
const BESIDE: Neighbourhood = { ...ALONE, othersHave: true };
const problemsOf = (changes: Partial<ReadContainer>, neighbourhood = ALONE) => containerProblems(aContainer(changes), neighbourhood).join("\n");

describe("a container of a governed pod", () => {
  test.each<[string, Partial<ReadContainer>]>([
    ["says nothing of itself", {}],
    ["is root without rights", { securityContext: { runAsUser: 0, capabilities: { add: ["CHOWN"], drop: ["ALL"] } } }],
    ["uses the runtime's profiles", { securityContext: { seccompProfile: { type: "RuntimeDefault" }, appArmorProfile: { type: "RuntimeDefault" }, procMount: "Default" } }],
    ["is probed, at the pod itself", { livenessProbe: { httpGet: { port: 80 } }, readinessProbe: { tcpSocket: { port: 80, host: "" } }, lifecycle: { postStart: { exec: { command: ["true"] } } } }],
    ["serves on a port", { ports: [{ containerPort: 80 }, { containerPort: 81, hostPort: 0 }] }],
    ["mounts beside the trust files", { volumeMounts: [{ name: "data", mountPath: "/weirdly" }, { name: "weir-trust", mountPath: "/weir/trust" }] }],
  ])("may be one that %s", (_name, changes) => {
    expect(problemsOf(changes)).toBe("");
  });

  test.each<[string, Partial<ReadContainer>, RegExp]>([
    ["is privileged", { securityContext: { privileged: true } }, /^Container app must not be privileged/],
    ["has every capability", { securityContext: { capabilities: { add: ["CAP_all"] } } }, /capability ALL/],
    ["sees all of /proc", { securityContext: { procMount: "Unmasked" } }, /unmasked/],
    ["is unconfined by seccomp", { securityContext: { seccompProfile: { type: "Unconfined" } } }, /unconfined by seccomp/],
    ["is unconfined by AppArmor", { securityContext: { appArmorProfile: { type: "Unconfined" } } }, /unconfined by AppArmor/],
    ["is the sidecar's user", { securityContext: { runAsUser: 64_000 } }, /user 64000/],
    ["is the user of an identity", { securityContext: { runAsUser: 64_115 } }, /user 64115/],
    ["is named like the sidecar", { name: "weir-sidecar" }, /name of the boundary's own containers/],
    ["is named like init", { name: "weir-init" }, /name of the boundary's own containers/],
    ["mounts the identity", { volumeMounts: [{ name: "weir-identity", mountPath: "/t" }] }, /must not mount weir-identity/],
    ["mounts the sidecar's state", { volumeMounts: [{ name: "weir-state", mountPath: "/t" }] }, /must not mount weir-state/],
    ["covers the trust files", { volumeMounts: [{ name: "data", mountPath: "/weir/trust/" }] }, /trust files are there/],
    ["covers them by another spelling", { volumeMounts: [{ name: "data", mountPath: "//weir/./x/../trust" }] }, /trust files are there/],
    ["covers what is around them", { volumeMounts: [{ name: "data", mountPath: "/weir" }] }, /trust files are there/],
    ["covers everything", { volumeMounts: [{ name: "data", mountPath: "/" }] }, /trust files are there/],
    ["takes a port of the node", { ports: [{ containerPort: 80, hostPort: 10_250 }] }, /hostPort/],
    ["has its node call somebody to see whether it lives", { livenessProbe: { httpGet: { port: 80, host: "169.254.169.254" } } }, /host in livenessProbe/],
    ["has its node knock elsewhere", { startupProbe: { tcpSocket: { port: 22, host: "10.0.0.1" } } }, /host in startupProbe/],
    ["has its node call somebody when it starts", { lifecycle: { postStart: { httpGet: { port: 80, host: "evil.test" } } } }, /host in postStart/],
    ["has its node call somebody when it stops", { lifecycle: { preStop: { httpGet: { port: 80, host: "evil.test" } } } }, /host in preStop/],
  ])("must not be one that %s", (_name, changes, reason) => {
    expect(problemsOf(changes)).toMatch(reason);
  });
});

describe("beside a container that is known by its user", () => {
  test("another one says which user it runs as, because its image could take that one", () => {
    expect(problemsOf({}, BESIDE)).toMatch(/^Container app must say which user it runs as \(securityContext\.runAsUser\)/);
    expect(problemsOf({ securityContext: { runAsUser: 0 } }, BESIDE)).toBe("");
    expect(problemsOf({}, { ...BESIDE, podUser: 1_000 })).toBe("");
  });

  test("the known one itself needs not to: it is given its user", () => {
    expect(problemsOf({ securityContext: { runAsUser: 64_100 } }, { ...BESIDE, hasIdentity: true })).toBe("");
  });
});
