import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Folders of the programs: what is shipped. */
export const PRODUCT = ["common", "init", "sidecar", "cli", "proxy", "controller", "client"];

/** Paths below `folder` (repo-relative, `/`-separated) that end in `suffix`, sorted. */
export function filesUnder(folder: string, suffix: string): string[] {
  const absolute = join(ROOT, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => posix.relative(ROOT, posix.join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes("node_modules/"))
    .sort();
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

export function exists(path: string): boolean {
  return existsSync(join(ROOT, path));
}

/** The documents at the top and in docs/. */
export function documents(): string[] {
  return [...readdirSync(ROOT).filter((name) => name.endsWith(".md")), ...filesUnder("docs", ".md")];
}

export interface Import {
  readonly from: string;
  /** Repo-relative path for own files, the package's or Node's name otherwise. */
  readonly to: string;
  /** True for `import type` and `export type … from`; inline `type` does not count, because the module is still loaded. */
  readonly isTypeOnly: boolean;
}

const STATIC_IMPORT = /^\s*(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*"([^"]+)"\s*\)/g;

/** Every import of a source file, dynamic ones too. */
export function importsOf(path: string): Import[] {
  const text = withoutComments(read(path));
  const found = [...text.matchAll(STATIC_IMPORT)].map(([, type, to]) => ({ to: to ?? "", isTypeOnly: type !== undefined }));
  const dynamic = [...text.matchAll(DYNAMIC_IMPORT)].map(([, to]) => ({ to: to ?? "", isTypeOnly: false }));
  return [...found, ...dynamic].map(({ to, isTypeOnly }) => ({ from: path, to: to.startsWith(".") ? posix.join(dirname(path), to) : to, isTypeOnly }));
}

/** The text with comments blanked, lines kept, so that a word in a comment is not taken for code. */
export function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, " ")).replaceAll(/(^|\s)\/\/[^\n]*/g, "$1");
}

/** `path:line: text` of every line that matches. */
export function linesMatching(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) => withoutComments(read(path)).split("\n")
    .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])));
}
