import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEnvironment } from "../../common/config.ts";

/** What an image says of itself. */
export interface ImageConfig {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env: readonly string[];
}

export interface ImageRun {
  readonly exitCode: number | null;
  readonly output: string;
}

export interface OpenImage {
  readonly config: ImageConfig;
  /** The unpacked root file system, on this machine. */
  readonly root: string;
  /** Runs the image as the chart does: its own user, read-only root, no capability, no new privileges. @param args in place of the image's Cmd */
  run(args?: readonly string[], command?: readonly string[]): ImageRun;
  close(): void;
}

const RUN_DEADLINE_MS = 20_000;

/** Unpacks an OCI archive with buildah, and runs it with runc; both as root. Nothing outside a temporary folder changes. */
export function openImage(archive: string): OpenImage {
  const folder = mkdtempSync(join(tmpdir(), "weir-image-"));
  const buildah = storageOf(folder);
  const container = buildah("from", "--pull-never", `oci-archive:${archive}`);
  const root = buildah("mount", container);
  const inspected = JSON.parse(buildah("inspect", "--type", "container", container)) as { OCIv1: { config: ImageConfig } };
  const config = inspected.OCIv1.config;
  return {
    config, root,
    run: (args = config.Cmd ?? [], command = config.Entrypoint) => runInside(folder, { ...config, root, argv: [...command, ...args] }),
    close: () => {
      buildah("umount", container);
      buildah("rm", container);
      buildah("rmi", "--all", "--force");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function storageOf(folder: string): (...args: readonly string[]) => string {
  const file = join(folder, "storage.conf");
  writeFileSync(file, `[storage]\ndriver = "overlay"\ngraphroot = "${join(folder, "graph")}"\nrunroot = "${join(folder, "run")}"\n`);
  const env = { ...readEnvironment(), CONTAINERS_STORAGE_CONF: file };
  return (...args) => execFileSync("buildah", args, { encoding: "utf8", env, stdio: ["ignore", "pipe", "pipe"] }).trim();
}

interface Inside extends ImageConfig {
  readonly root: string;
  readonly argv: readonly string[];
}

interface RuntimeSpec {
  process: Record<string, unknown>;
  root: { path: string; readonly: boolean };
  linux: { namespaces: { type: string }[] };
}

function runInside(folder: string, { root, argv, User, Env }: Inside): ImageRun {
  const bundle = join(folder, "bundle");
  rmSync(bundle, { recursive: true, force: true });
  mkdirSync(bundle);
  execFileSync("runc", ["spec", "--bundle", bundle]);
  const file = join(bundle, "config.json");
  const spec = JSON.parse(readFileSync(file, "utf8")) as RuntimeSpec;
  const [uid = 0, gid = 0] = User.split(":").map(Number);
  spec.root = { path: root, readonly: true };
  spec.process = { ...spec.process, terminal: false, args: argv, env: Env, user: { uid, gid }, capabilities: {}, noNewPrivileges: true };
  writeFileSync(file, JSON.stringify(spec));
  const id = `weir-image-${process.pid}-${Math.trunc(performance.now())}`;
  const done = spawnSync("runc", ["--root", join(folder, "runc"), "run", "--bundle", bundle, id], { encoding: "utf8", timeout: RUN_DEADLINE_MS });
  return { exitCode: done.status, output: done.stdout + done.stderr };
}
