import { POD_PARTS } from "../../common/labels.ts";
import { trustEnvironment } from "../../common/trust.ts";
import type { ReadContainer } from "../resources/pod.ts";
import { TRUST_DIRECTORY } from "./boundary-parts.ts";

/** Where Debian, Alpine and what follows them look, libraries without a variable included. */
const SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const BUNDLE_FILE = "ca-bundle.crt";

/** The trust files, the variables that name them unless the container has its own, and the bundle over the system's. */
export function withTrust(container: ReadContainer, { mountSystemBundle }: { readonly mountSystemBundle: boolean }): ReadContainer {
  const env = container.env ?? [];
  const own = new Set(env.map(({ name }) => name));
  const variables = Object.entries(trustEnvironment(TRUST_DIRECTORY)).filter(([name]) => !own.has(name)).map(([name, value]) => ({ name, value }));
  const mounts = (container.volumeMounts ?? []).filter(({ name }) => name !== POD_PARTS.trustVolume);
  const bundle = mountSystemBundle && !mounts.some(({ mountPath }) => covers(mountPath, SYSTEM_BUNDLE))
    ? [{ name: POD_PARTS.trustVolume, mountPath: SYSTEM_BUNDLE, subPath: BUNDLE_FILE, readOnly: true }] : [];
  return {
    ...container,
    env: [...env, ...variables],
    volumeMounts: [...mounts, { name: POD_PARTS.trustVolume, mountPath: TRUST_DIRECTORY, readOnly: true }, ...bundle],
  };
}

/** Who mounts something there, or around it, has decided for themselves. */
function covers(mountPath: string, file: string): boolean {
  const folder = mountPath.replace(/\/+$/, "");
  return file === folder || file.startsWith(`${folder}/`);
}
