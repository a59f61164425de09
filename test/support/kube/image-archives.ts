import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildImages, imageArchive } from "../../../scripts/build-images.ts";
import { IMAGES } from "../../../scripts/images/contents.ts";
import { ROOT } from "../../structure/repository.ts";

const BUILD_DEADLINE_MS = 120_000;
const RECEIPT = join(ROOT, "dist/images/receipt");
/** What the images are made of, besides what belongs to the machine. */
const INGREDIENTS = ["Dockerfile", "package-lock.json", "scripts/build-images.ts", "scripts/images", "policies"];
const PROGRAM = /\.[cm]js$/;

/**
 * Archives of the four images of this checkout, as its users build them. Those of an earlier run are taken again if nothing that they
 * are made of has changed since; the programs themselves are bundled anew in any case.
 */
export async function imageArchives(): Promise<readonly string[]> {
  await promisify(execFile)(process.execPath, ["scripts/build.mjs"], { cwd: ROOT, timeout: BUILD_DEADLINE_MS });
  const archives = IMAGES.map(imageArchive);
  const ingredients = fingerprint();
  const receipt = existsSync(RECEIPT) ? readFileSync(RECEIPT, "utf8") : "";
  if (!archives.every((path) => existsSync(path)) || receipt !== receiptOf(ingredients, archives)) {
    const built = await buildImages(() => {});
    if (built.length !== IMAGES.length) throw new Error(`built no more than ${built.join(", ")}`);
    writeFileSync(RECEIPT, receiptOf(ingredients, archives));
  }
  return archives;
}

/** Somebody who builds other archives by hand leaves other times. */
function receiptOf(ingredients: string, archives: readonly string[]): string {
  return [ingredients, ...archives.map((path) => `${statSync(path).size} ${statSync(path).mtimeMs}`)].join("\n");
}

function fingerprint(): string {
  const hash = createHash("sha256").update(process.execPath);
  const programs = readdirSync(join(ROOT, "dist")).filter((name) => PROGRAM.test(name)).toSorted().map((name) => join("dist", name));
  for (const path of [...programs, ...INGREDIENTS].flatMap((name) => filesAt(join(ROOT, name)))) hash.update(path).update(readFileSync(path));
  return hash.digest("hex");
}

function filesAt(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).toSorted();
}
