import { lstatSync, readFileSync, realpathSync, statSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { MountAliases } from "./mount-aliases.ts";
import { isWithin, type HostPath, type HostPaths, type Overlay } from "./mount-plan.ts";
import type { SandboxRequest } from "./sandbox.ts";

/** Sockets and temporary files live here; the agent gets its own. */
const PRIVATE_FOLDERS = ["/tmp", "/var/tmp", "/run", "/var/run", "/var/lock"];

/** Where distributions keep the trusted roots as one file. Laid over, so that programs trust Weir's CA without any setting. */
const TRUST_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/var/lib/ca-certificates/ca-bundle.pem",
];

/**
 * Kernel settings of the whole machine. Their files belong to root, and a process that root started is root to them, without any capability:
 * the plainest way out of a sandbox made by root is /proc/sys/kernel/core_pattern. bubblewrap leaves /proc/sys writable, because the
 * folder itself is not.
 */
const KERNEL_SETTINGS = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi"];

/** Files that startSandbox made for this run. */
export interface RunFiles {
  readonly folder: string;
  readonly emptyFile: string;
  readonly resolvConf: string;
  readonly hosts: string;
}

/** Looks at the host once, so that the plan of mounts is a pure function of what is there. @throws UserError naming what cannot be used */
export function inspectHost(request: SandboxRequest, files: RunFiles): HostPaths {
  const roots = [request.cwd, request.home, ...request.writablePaths].map((path) => mustBeFolder(path));
  const [cwd = "/", home = "/", ...writable] = roots;
  const own = request.hiddenOwnPaths ?? [];
  for (const path of [...request.readOnlyPaths, ...own]) refuseReplaceableLink(path, roots);
  const aliases = new MountAliases();
  const everywhere = (paths: readonly HostPath[]) => paths.flatMap((one) => [one, ...existing(aliases.of(one.path))]);
  return {
    cwd, home, writable,
    hidden: everywhere(existing([...request.hiddenPaths, ...own, files.folder])),
    readOnly: [...everywhere(existing(request.readOnlyPaths)), ...existing(KERNEL_SETTINGS)],
    sockets: listeningSockets().flatMap((path) => [path, ...aliases.of(path).filter(isSocket)]),
    privateFolders: existing(PRIVATE_FOLDERS).filter(({ isFolder }) => isFolder).map(({ path }) => path).filter(isFirst),
    overlays: [
      ...overlaysOf(files.resolvConf, ["/etc/resolv.conf"]),
      ...overlaysOf(files.hosts, ["/etc/hosts"]),
      ...(request.caBundleFile === undefined ? [] : overlaysOf(realpathSync(request.caBundleFile), TRUST_BUNDLES)),
      ...(request.mounts ?? []).map(({ source, target }) => ({ source: realpathSync(source), target })),
    ],
  };
}

function mustBeFolder(path: string): string {
  const real = resolved(path);
  if (real === undefined || !statSync(real).isDirectory()) throw new UserError(`${path} is not a folder`, "The working directory, the home and `sandbox.writable` must exist.", EXIT.config);
  return real;
}

function existing(paths: readonly string[]): HostPath[] {
  return paths.flatMap((path) => {
    const real = resolved(path);
    return real === undefined ? [] : [{ path: real, isFolder: statSync(real).isDirectory() }];
  });
}

/** A link in a writable folder cannot be made a mount point, so the agent could point it at a policy or a state of its own for the next run. */
function refuseReplaceableLink(path: string, roots: readonly string[]): void {
  for (let part = path; part !== "/"; part = dirname(part)) {
    const parent = resolved(dirname(part));
    if (parent === undefined || !isLink(part) || !roots.some((root) => root !== "/" && isWithin(parent, root))) continue;
    throw new UserError(`${path} goes through the symbolic link ${part}, which the agent could replace`, "Name the real path where it is configured, or move it to where no link leads.", EXIT.config);
  }
}

function isLink(path: string): boolean {
  return kindOf(path)?.isSymbolicLink() === true;
}

/** A target that is a link into a private folder (systemd's resolv.conf) is laid down behind the link. */
function overlaysOf(source: string, targets: readonly string[]): Overlay[] {
  return existing(targets).map(({ path }) => path).filter(isFirst).map((target) => ({ source, target }));
}

/**
 * Every bound Unix socket with a path (proc(5), /proc/net/unix), datagram sockets included (`/dev/log`). A relative name is one that a
 * program bound in some folder of its own; it cannot be found from here.
 */
function listeningSockets(): string[] {
  const names = readFileSync("/proc/net/unix", "utf8").split("\n").slice(1).map((line) => line.split(" ").slice(7).join(" ").trim());
  return names.filter((name) => name.startsWith("/")).filter(isFirst).flatMap((name) => {
    const folder = resolved(dirname(name));
    const path = folder === undefined ? "" : join(folder, name.slice(name.lastIndexOf("/") + 1));
    return path !== "" && isSocket(path) ? [path] : [];
  }).filter(isFirst);
}

function isSocket(path: string): boolean {
  return kindOf(path)?.isSocket() === true;
}

/** Undefined too for what this user may not look at: the agent is the same user, and can neither reach nor replace it. */
function kindOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function resolved(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function isFirst<T>(value: T, index: number, all: readonly T[]): boolean {
  return all.indexOf(value) === index;
}
