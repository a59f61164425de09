import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";

/** `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`, or the loader alone: `/lib64/ld-linux-x86-64.so.2 (0x…)`. */
const LIBRARY = /^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/gm;

/** Paths of the shared libraries that a program needs, its loader included, by ldd(1); none for a static program. */
export function sharedLibraries(program: string): string[] {
  return [...runLdd(program).matchAll(LIBRARY)].map(([, path = ""]) => path);
}

/** Copies a program to `target` below the root, and what it needs to the same paths as here. @param root folder that becomes the root of an image */
export function copyProgram(program: string, root: string, target: string): void {
  copyFile(program, join(root, target));
  for (const library of sharedLibraries(program)) copyFile(library, join(root, library));
}

/** What a symbolic link points to, under the link's name: the loader looks libraries up by these names. */
export function copyFile(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

function runLdd(program: string): string {
  try {
    return execFileSync("ldd", [program], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stderr = "", stdout = "" } = error as { stderr?: string; stdout?: string };
    if (/not a dynamic executable|statically linked/.test(stderr + stdout)) return "";
    throw error;
  }
}
