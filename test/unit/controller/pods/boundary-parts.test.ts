import { describe, expect, test } from "vitest";
import { boundaryVolumes, identityUids, initContainer, sidecarContainer } from "../../../../controller/pods/boundary-parts.ts";
import { aGovernance, POD_SETTINGS } from "../../../support/pods.ts";

const inNodeMode = aGovernance({ settings: { ...POD_SETTINGS, redirect: "node" } });
const withRoots = aGovernance({ trust: { mountSystemBundle: true, extraCaConfigMap: "roots" } });
const variables = (governance = aGovernance()) => Object.fromEntries((initContainer(governance).env ?? []).map(({ name, value }) => [name, value]));

test("users of containers follow their order", () => {
  expect(identityUids(["shell", "files"])).toEqual({ shell: 64_100, files: 64_101 });
  expect(identityUids([])).toEqual({});
});

describe("init", () => {
  test("is root with one right, and told the rules that it is to write", () => {
    expect(initContainer(aGovernance()).securityContext).toEqual({
      allowPrivilegeEscalation: false, privileged: false, readOnlyRootFilesystem: true, seccompProfile: { type: "RuntimeDefault" },
      runAsUser: 0, runAsGroup: 0, runAsNonRoot: false, capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
    });
    expect(variables()).toEqual({
      WEIR_MODE: "pod", WEIR_NODE_ADDRESSES: "10.79.96.7", WEIR_PROXY_PORT: "15008", WEIR_SIDECAR_UID: "64000", WEIR_INBOUND: "none",
      WEIR_CA_PEM: POD_SETTINGS.caPem, WEIR_TRUST_DIRECTORY: "/weir/trust",
    });
  });

  test("has no right and no rule to write where the node does", () => {
    expect(initContainer(inNodeMode).securityContext).toMatchObject({ runAsUser: 64_000, runAsNonRoot: true, capabilities: { drop: ["ALL"] } });
    expect(variables(inNodeMode)).toEqual({ WEIR_MODE: "trust", WEIR_CA_PEM: POD_SETTINGS.caPem, WEIR_TRUST_DIRECTORY: "/weir/trust" });
  });

  test("is told the containers with identities, and where the namespace's roots are, if there are any", () => {
    expect(variables(aGovernance({ identities: ["shell", "files"] }))["WEIR_CONTAINERS"]).toBe("shell:64100,files:64101");
    expect(variables(withRoots)["WEIR_EXTRA_CA_FILES"]).toBe("/weir/extra-ca/ca.crt");
    expect(initContainer(withRoots).volumeMounts).toContainEqual({ name: "weir-extra-ca", mountPath: "/weir/extra-ca", readOnly: true });
    expect(variables()).not.toHaveProperty("WEIR_CONTAINERS");
    expect(initContainer(aGovernance()).volumeMounts).toEqual([{ name: "weir-trust", mountPath: "/weir/trust" }]);
  });
});

describe("the sidecar", () => {
  test("stays, has no right, and lets nobody start before it is ready", () => {
    const { restartPolicy, securityContext, startupProbe } = sidecarContainer(aGovernance());
    expect(restartPolicy).toBe("Always");
    expect(securityContext).toMatchObject({ runAsUser: 64_000, runAsNonRoot: true, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } });
    expect(securityContext?.capabilities).not.toHaveProperty("add");
    expect(startupProbe).toMatchObject({ exec: { command: ["/usr/local/bin/node", "/app/sidecar.cjs", "--await-ready", "/run/weir/ready"] } });
  });

  test.each([["10.79.96.7", "10.79.96.7:15008"], ["fd00::7", "[fd00::7]:15008"]])("dials %s as %s", (address, expected) => {
    const { args } = sidecarContainer(aGovernance({ settings: { ...POD_SETTINGS, proxy: { addresses: [address], port: 15_008 } } }));
    expect((args as string[])[1]).toBe(expected);
  });

  test("has a door for each container with an identity", () => {
    expect((sidecarContainer(aGovernance({ identities: ["shell", "files"] }))["args"] as string[]).slice(6)).toEqual(["--container", "shell=0", "--container", "files=1"]);
  });

  test("alone holds the token, which is for the proxy and short of life", () => {
    expect(boundaryVolumes(aGovernance()).find(({ name }) => name === "weir-identity")?.projected).toEqual({
      defaultMode: 0o444, sources: [{ serviceAccountToken: { audience: "weir-proxy", expirationSeconds: 3_600, path: "token" } }],
    });
    expect(initContainer(aGovernance()).volumeMounts?.map(({ name }) => name)).not.toContain("weir-identity");
    expect(sidecarContainer(aGovernance()).volumeMounts).toContainEqual({ name: "weir-identity", mountPath: "/var/run/weir/identity", readOnly: true });
  });
});

test("the namespace's roots are mounted if its agent names them", () => {
  expect(boundaryVolumes(withRoots).map(({ name }) => name)).toEqual(["weir-trust", "weir-state", "weir-identity", "weir-extra-ca"]);
  expect(boundaryVolumes(aGovernance()).map(({ name }) => name)).toEqual(["weir-trust", "weir-state", "weir-identity"]);
});
