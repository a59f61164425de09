import { EXIT, UserError } from "../../common/exit-codes.ts";

/** What exists on the host, every path absolute and free of symbolic links. */
export interface HostPaths {
  readonly cwd: string;
  readonly home: string;
  readonly writable: readonly string[];
  readonly hidden: readonly HostPath[];
  readonly readOnly: readonly HostPath[];
  /** Where programs of the host listen. */
  readonly sockets: readonly string[];
  /** Folders that are the agent's own and empty: where sockets and temporary files live. */
  readonly privateFolders: readonly string[];
  /** Single files or folders laid over what is there. */
  readonly overlays: readonly Overlay[];
}

export interface HostPath {
  readonly path: string;
  readonly isFolder: boolean;
}

export interface Overlay {
  readonly source: string;
  readonly target: string;
}

/** One mount, in the order in which they are made. */
export type Mount =
  | { readonly kind: "private-folder" | "writable" | "read-only" | "empty-folder" | "empty-file"; readonly path: string }
  | { readonly kind: "overlay"; readonly path: string; readonly source: string };

/** When two reasons meet at one path the stricter wins. */
const STRICTNESS = { "private-folder": 0, "writable": 0, "read-only": 1, "overlay": 2, "empty-folder": 3, "empty-file": 3 } as const;

/**
 * What lies over the read-only root, from the outside in, so that no mount uncovers what an
 * earlier one covered. Each folder between a writable one and a protected path becomes a mount point of its own: the kernel does not let a
 * mount point be renamed, and otherwise an agent could move `~/.config` away and put another policy in its place.
 * @throws UserError if the agent was to work inside of what is hidden from it
 */
export function planMounts(host: HostPaths): readonly Mount[] {
  const roots = [...new Set([host.cwd, host.home, ...host.writable])].filter((path) => path !== "/" && !host.privateFolders.includes(path));
  const hidden = host.hidden.map((one) => one.path);
  for (const root of roots) {
    const cover = hidden.find((path) => isWithin(root, path));
    if (cover !== undefined) throw new UserError(`${root} is inside of ${cover}, which the agent must not see`, "Run it from another folder, or change `sandbox.hide`.", EXIT.config);
  }
  const isSeen = (path: string) => !host.privateFolders.includes(deepestAbove([...roots, ...host.privateFolders], path) ?? "/");
  const isShown = (path: string) => isSeen(path) && !hidden.some((cover) => path !== cover && isWithin(path, cover));
  const protectedMounts: Mount[] = [
    ...host.readOnly.filter(({ path }) => isShown(path)).map(({ path }): Mount => ({ kind: "read-only", path })),
    ...host.hidden.filter(({ path }) => isShown(path)).map(({ path, isFolder }): Mount => ({ kind: isFolder ? "empty-folder" : "empty-file", path })),
    ...host.sockets.filter((path) => isShown(path)).map((path): Mount => ({ kind: "empty-file", path })),
  ];
  const pins = protectedMounts.flatMap(({ path }) => foldersBetween(deepestAbove(roots, path), path)).map((path): Mount => ({ kind: "writable", path }));
  const overlays = host.overlays.map(({ source, target }): Mount => ({ kind: "overlay", path: target, source }));
  const folders = [...host.privateFolders.map((path): Mount => ({ kind: "private-folder", path })), ...roots.map((path): Mount => ({ kind: "writable", path }))];
  return withoutUndoing(strictest([...folders, ...pins, ...protectedMounts, ...overlays]));
}

/** A pin below a folder that is read-only, laid over or empty would make that part of it writable again. */
function withoutUndoing(mounts: readonly Mount[]): Mount[] {
  const closed = mounts.filter(({ kind }) => kind === "read-only" || kind === "overlay" || kind === "empty-folder").map(({ path }) => path);
  return mounts.filter(({ kind, path }) => kind !== "writable" || !closed.some((folder) => isWithin(path, folder)));
}

function strictest(mounts: readonly Mount[]): Mount[] {
  const byPath = new Map<string, Mount>();
  for (const mount of mounts) {
    const known = byPath.get(mount.path);
    if (known === undefined || STRICTNESS[mount.kind] > STRICTNESS[known.kind]) byPath.set(mount.path, mount);
  }
  return [...byPath.values()].sort((one, other) => depth(one.path) - depth(other.path) || (one.path < other.path ? -1 : 1));
}

/** The folder closest above a path. Without a writable one there, the path's parents cannot be renamed anyway. */
function deepestAbove(folders: readonly string[], path: string): string | undefined {
  return folders.filter((folder) => folder !== path && isWithin(path, folder)).sort((one, other) => depth(other) - depth(one))[0];
}

function foldersBetween(root: string | undefined, path: string): string[] {
  if (root === undefined) return [];
  const names = path.slice(root.length + 1).split("/").slice(0, -1);
  return names.map((_, index) => [root, ...names.slice(0, index + 1)].join("/"));
}

/** True for the folder itself too. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || folder === "/" || path.startsWith(`${folder}/`);
}

function depth(path: string): number {
  return path.split("/").length;
}
