import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readEnvironment } from "../common/config.ts";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { describeError } from "../common/lifecycle.ts";
import { VERSION } from "../common/version.ts";
import { obtainOpa } from "../proxy/policy/opa.ts";
import { gatherContents, IMAGES, type ImageName, type Sources } from "./images/contents.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUT = join(ROOT, "dist/images");
export const CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const PROGRAM_FOLDERS = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
/** The package that has each. */
const PACKAGES = { nft: "nftables", nsenter: "util-linux", ip: "iproute2" } as const;

/** Name of an image in every archive; the chart's values name it, and nothing pulls it. */
export function imageReference(name: ImageName): string {
  return `weir.local/weir-${name}:${VERSION}`;
}

/** Where the archive of an image is written. */
export function imageArchive(name: ImageName): string {
  return join(OUT, `weir-${name}.tar`);
}

/**
 * Builds the images of the Dockerfile on this machine alone: what its first stages would fetch and build is gathered here instead, from
 * the checkout (after `npm run build`) and from the system. Each becomes an OCI archive below dist/images/.
 * @throws UserError if buildah or another tool is missing
 */
export async function buildImages(announce: (line: string) => void): Promise<ImageName[]> {
  const context = join(OUT, "context");
  const built = gatherContents(await findSources(announce), join(context, "out"));
  const storage = writeStorageConfig(join(OUT, "storage"));
  for (const name of IMAGES) rmSync(imageArchive(name), { force: true });
  try {
    for (const name of built) {
      buildah(storage, ["bud", "--isolation", "chroot", "--layers", "--timestamp", "0", "--quiet", "--build-context", `build=${context}`,
        "--target", name, "--label", `org.opencontainers.image.version=${VERSION}`, "--tag", imageReference(name), "--file", "Dockerfile", context]);
      buildah(storage, ["push", "--quiet", imageReference(name), `oci-archive:${imageArchive(name)}:${imageReference(name)}`]);
      announce(`${imageReference(name)} -> ${imageArchive(name).slice(ROOT.length)}`);
    }
  } finally {
    buildah(storage, ["rmi", "--all", "--force"]);
    rmSync(join(OUT, "storage"), { recursive: true, force: true });
    rmSync(context, { recursive: true, force: true });
  }
  return built;
}

async function findSources(announce: (line: string) => void): Promise<Sources> {
  if (!existsSync(CA_BUNDLE)) throw new UserError(`there is no ${CA_BUNDLE}`, "Install ca-certificates.", EXIT.unavailable);
  const opa = await obtainOpa(readEnvironment(), announce);
  return { checkout: ROOT, node: process.execPath, nft: findProgram("nft"), nsenter: findProgram("nsenter"), ip: findProgram("ip"), opa: opa.path, caBundle: CA_BUNDLE };
}

function findProgram(name: keyof typeof PACKAGES): string {
  const path = PROGRAM_FOLDERS.map((folder) => join(folder, name)).find((candidate) => existsSync(candidate));
  if (path === undefined) throw new UserError(`there is no ${name} here`, `Install ${PACKAGES[name]}.`, EXIT.unavailable);
  return path;
}

/** Storage of its own: nothing that others keep with buildah or podman on this machine is seen or changed. @returns path of the configuration, below `folder` */
export function writeStorageConfig(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "storage.conf");
  const driver = process.getuid?.() === 0 ? "overlay" : "vfs";
  writeFileSync(file, `[storage]\ndriver = "${driver}"\ngraphroot = "${join(folder, "graph")}"\nrunroot = "${join(folder, "run")}"\n`);
  return file;
}

/** @throws UserError with what buildah says */
export function buildah(storageConfig: string, args: readonly string[]): void {
  try {
    execFileSync("buildah", args, { cwd: ROOT, env: { ...readEnvironment(), CONTAINERS_STORAGE_CONF: storageConfig }, stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  } catch (error) {
    const { code, stderr = "" } = error as { code?: string; stderr?: string };
    if (code === "ENOENT") throw new UserError("there is no buildah here", "Install buildah, or build the Dockerfile with another tool.", EXIT.unavailable, { cause: error });
    throw new UserError(`buildah ${args[0] ?? ""} failed: ${stderr.trim()}`, "Its own words are above.", EXIT.failure, { cause: error });
  }
}

async function main(argv: readonly string[], announce: (line: string) => void): Promise<void> {
  const { values } = parseArgs({ args: [...argv], options: { "contents-only": { type: "string" } } });
  const folder = values["contents-only"];
  if (folder === undefined) {
    await buildImages(announce);
    return;
  }
  const built = gatherContents(await findSources(announce), folder);
  const missing = IMAGES.filter((name) => !built.includes(name));
  if (missing.length > 0) throw new UserError(`not built: ${missing.join(", ")}`, "Run `npm run build` first.", EXIT.failure);
}

if (import.meta.main) {
  await main(process.argv.slice(2), (line) => { process.stderr.write(`${line}\n`); }).catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n${error instanceof UserError ? `  ${error.hint}\n` : ""}`);
    process.exitCode = error instanceof UserError ? error.exitCode : EXIT.failure;
  });
}
