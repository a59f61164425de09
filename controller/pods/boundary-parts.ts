import { FIRST_IDENTITY_UID, POD_PARTS, SIDECAR_UID } from "../../common/labels.ts";
import { PROXY_AUDIENCE } from "../../common/identity.ts";
import type { ReadContainer, ReadVolume } from "../resources/pod.ts";
import type { Governance } from "./governance.ts";

/** Where every container finds the trust files. */
export const TRUST_DIRECTORY = "/weir/trust";
const EXTRA_CA_DIRECTORY = "/weir/extra-ca";
const IDENTITY_DIRECTORY = "/var/run/weir/identity";
const STATE_DIRECTORY = "/run/weir";
const READY_FILE = `${STATE_DIRECTORY}/ready`;
/** Of the images (Dockerfile): what their entry points start. */
const NODE = "/usr/local/bin/node";
const SIDECAR_PROGRAM = "/app/sidecar.cjs";

/**
 * What the API server would fill in is written out everywhere below, so that a pod which comes back from it is recognised as
 * governed already.
 */
const RESTRICTED = {
  allowPrivilegeEscalation: false, privileged: false, readOnlyRootFilesystem: true, seccompProfile: { type: "RuntimeDefault" },
} as const;
const SIDECAR_USER = { runAsUser: SIDECAR_UID, runAsGroup: SIDECAR_UID, runAsNonRoot: true } as const;
const LOGGING = { terminationMessagePath: "/dev/termination-log", terminationMessagePolicy: "File" } as const;
/** The program's file pages are shared by all pods of a node, but charged to whichever touches them first: hence the limit. */
const RESOURCES = { requests: { cpu: "5m", memory: "16Mi" }, limits: { memory: "128Mi" } } as const;

/** The command waits for the file, so that one probe is enough; a probe that polled would add up to a second to each start. */
const READY_PROBE = {
  exec: { command: [NODE, SIDECAR_PROGRAM, "--await-ready", READY_FILE] },
  periodSeconds: 1, timeoutSeconds: 10, failureThreshold: 30, successThreshold: 1,
} as const;

/** Uid of each container with an identity of its own. */
export function identityUids(identities: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(identities.map((name, index) => [name, FIRST_IDENTITY_UID + index]));
}

/** Runs first, to its end: writes the rules and the trust files. Where the node's agent writes the rules it only writes files, without any right. */
export function initContainer(governance: Governance): ReadContainer {
  const { settings, trust } = governance;
  const isRoot = settings.redirect === "init";
  const user = isRoot ? { runAsUser: 0, runAsGroup: 0, runAsNonRoot: false } : SIDECAR_USER;
  const extraCa = trust.extraCaConfigMap === undefined ? [] : [{ name: POD_PARTS.extraCaVolume, mountPath: EXTRA_CA_DIRECTORY, readOnly: true }];
  return {
    name: POD_PARTS.init,
    image: settings.images.init,
    imagePullPolicy: settings.images.pullPolicy,
    env: Object.entries(initSettings(governance)).map(([name, value]) => ({ name, value })),
    resources: RESOURCES,
    securityContext: { ...RESTRICTED, ...user, capabilities: { drop: ["ALL"], ...(isRoot ? { add: ["NET_ADMIN"] } : {}) } },
    volumeMounts: [{ name: POD_PARTS.trustVolume, mountPath: TRUST_DIRECTORY }, ...extraCa],
    ...LOGGING,
  };
}

/** The settings of init/config.ts. */
function initSettings({ settings, identities, inbound, trust }: Governance): Record<string, string> {
  const containers = Object.entries(identityUids(identities)).map(([name, uid]) => `${name}:${uid}`).join(",");
  const rules = settings.redirect === "node" ? { WEIR_MODE: "trust" } : {
    WEIR_MODE: "pod",
    WEIR_NODE_ADDRESSES: settings.proxy.addresses.join(","),
    WEIR_PROXY_PORT: String(settings.proxy.port),
    WEIR_SIDECAR_UID: String(SIDECAR_UID),
    WEIR_INBOUND: inbound,
    ...(containers === "" ? {} : { WEIR_CONTAINERS: containers }),
  };
  const extraCa = trust.extraCaConfigMap === undefined ? {} : { WEIR_EXTRA_CA_FILES: `${EXTRA_CA_DIRECTORY}/ca.crt` };
  return { ...rules, WEIR_CA_PEM: settings.caPem, WEIR_TRUST_DIRECTORY: TRUST_DIRECTORY, ...extraCa };
}

/** A native sidecar: starts before everything that follows, and ends after it. What follows waits until connections are seen to be turned to it. */
export function sidecarContainer({ settings, identities }: Governance): ReadContainer {
  return {
    name: POD_PARTS.sidecar,
    image: settings.images.sidecar,
    imagePullPolicy: settings.images.pullPolicy,
    restartPolicy: "Always",
    args: [
      "--proxy", proxyAddress(settings.proxy), "--token-file", `${IDENTITY_DIRECTORY}/token`, "--ready-file", READY_FILE,
      ...identities.flatMap((name, index) => ["--container", `${name}=${index}`]),
    ],
    resources: RESOURCES,
    securityContext: { ...RESTRICTED, ...SIDECAR_USER, capabilities: { drop: ["ALL"] } },
    startupProbe: READY_PROBE,
    volumeMounts: [
      { name: POD_PARTS.identityVolume, mountPath: IDENTITY_DIRECTORY, readOnly: true },
      { name: POD_PARTS.stateVolume, mountPath: STATE_DIRECTORY },
    ],
    ...LOGGING,
  };
}

/** The token is in a volume that only the sidecar mounts. */
export function boundaryVolumes({ settings, trust }: Governance): ReadVolume[] {
  const token = { serviceAccountToken: { audience: PROXY_AUDIENCE, expirationSeconds: settings.tokenLifetimeSeconds, path: "token" } };
  const roots = { name: trust.extraCaConfigMap, defaultMode: 0o444 };
  return [
    { name: POD_PARTS.trustVolume, emptyDir: { sizeLimit: "16Mi" } },
    { name: POD_PARTS.stateVolume, emptyDir: { medium: "Memory", sizeLimit: "64Ki" } },
    { name: POD_PARTS.identityVolume, projected: { defaultMode: 0o444, sources: [token] } },
    ...(trust.extraCaConfigMap === undefined ? [] : [{ name: POD_PARTS.extraCaVolume, configMap: roots }]),
  ];
}

function proxyAddress({ addresses, port }: { readonly addresses: readonly string[]; readonly port: number }): string {
  const [first = ""] = addresses;
  return first.includes(":") ? `[${first}]:${port}` : `${first}:${port}`;
}
