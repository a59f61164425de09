import { posix } from "node:path";
import { POD_PARTS } from "../../common/labels.ts";
import type { ReadContainer } from "../resources/pod.ts";
import { TRUST_DIRECTORY } from "./boundary-parts.ts";
import { reservedUser, unconfined } from "./check-security.ts";
import { OUR_VOLUMES } from "./check-volume.ts";

export const OUR_CONTAINERS: readonly string[] = [POD_PARTS.init, POD_PARTS.sidecar];

/** Where a container stands among the others of its pod. */
export interface Neighbourhood {
  /** It gets a user of its own. */
  readonly hasIdentity: boolean;
  /** Some container of the pod does. */
  readonly othersHave: boolean;
  /** User of all containers that name none. */
  readonly podUser: number | undefined;
}

/** Why a container cannot be in a governed pod. */
export function containerProblems(container: ReadContainer, neighbourhood: Neighbourhood): string[] {
  const place = `Container ${container.name}`;
  const security = container.securityContext;
  return [
    ...(OUR_CONTAINERS.includes(container.name) ? [`${place} has a name of the boundary's own containers; rename it.`] : []),
    ...(security?.privileged === true ? [`${place} must not be privileged.`] : []),
    ...(security?.procMount === "Unmasked" ? [`${place} must not have an unmasked /proc.`] : []),
    ...(addsAll(container) ? [`${place} must not add the capability ALL; name those that it needs.`] : []),
    ...(neighbourhood.hasIdentity ? [] : [...reservedUser(place, security), ...unnamedUser(place, container, neighbourhood)]),
    ...unconfined(place, security),
    ...mountProblems(place, container),
    ...nodeRequests(place, container),
    ...((container.ports ?? []).some(({ hostPort }) => (hostPort ?? 0) !== 0) ? [`${place} must not take a port of its node (hostPort).`] : []),
  ];
}

/** An image names a user as well, and could name one of those by which its neighbours are known. */
function unnamedUser(place: string, { securityContext }: ReadContainer, { othersHave, podUser }: Neighbourhood): string[] {
  if (!othersHave || (securityContext?.runAsUser ?? podUser) !== undefined) return [];
  return [`${place} must say which user it runs as (securityContext.runAsUser): others of its pod are known by their users, and its image could name one.`];
}

function mountProblems(place: string, { volumeMounts = [] }: ReadContainer): string[] {
  const hidden = volumeMounts.filter(({ name }) => OUR_VOLUMES.includes(name) && name !== POD_PARTS.trustVolume);
  const covering = volumeMounts.filter(({ name, mountPath }) => name !== POD_PARTS.trustVolume && isWithin(mountPath, TRUST_DIRECTORY));
  return [
    ...hidden.map(({ name }) => `${place} must not mount ${name}.`),
    ...covering.map(({ mountPath }) => `${place} must not mount anything at ${mountPath}: the trust files are there.`),
  ];
}

/** The kubelet sends these itself, from the node's network, to any host that they name. */
function nodeRequests(place: string, container: ReadContainer): string[] {
  const actions = { ...pick(container, ["livenessProbe", "readinessProbe", "startupProbe"]), ...pick(container.lifecycle ?? {}, ["postStart", "preStop"]) };
  return Object.entries(actions).filter(([, action]) => (action?.httpGet?.host ?? "") !== "" || (action?.tcpSocket?.host ?? "") !== "")
    .map(([name]) => `${place} must not name a host in ${name}: the node would call it, around the boundary.`);
}

type Action = ReadContainer["livenessProbe"];

function pick(from: { readonly [field: string]: unknown }, fields: readonly string[]): Record<string, Action> {
  return Object.fromEntries(fields.map((field) => [field, from[field] as Action]));
}

function addsAll(container: ReadContainer): boolean {
  return (container.securityContext?.capabilities?.add ?? []).some((name) => /^(CAP_)?ALL$/i.test(name));
}

function isWithin(mountPath: string, folder: string): boolean {
  const plain = posix.resolve("/", mountPath);
  return plain === folder || plain.startsWith(`${folder}/`) || folder.startsWith(plain === "/" ? plain : `${plain}/`);
}
