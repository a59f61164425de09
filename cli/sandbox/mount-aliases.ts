import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { isWithin } from "./mount-plan.ts";

/** One line of /proc/self/mountinfo (proc(5)), as far as it says what is seen where. */
interface MountedFolder {
  readonly device: string;
  /** Which folder of the file system is seen at `at`. */
  readonly root: string;
  readonly at: string;
}

/**
 * Finds the other paths of a file: a folder that is mounted a second time (`mount --bind`, a subvolume and its parent) shows
 * everything below it again, and a mount over one path does not cover the other.
 */
export class MountAliases {
  readonly #mounts: readonly MountedFolder[];

  /** @param mountInfo the text of /proc/self/mountinfo */
  constructor(mountInfo = readFileSync("/proc/self/mountinfo", "utf8")) {
    this.#mounts = mountInfo.split("\n").flatMap((line) => {
      const [, , device, root, at] = line.split(" ");
      return device === undefined || root === undefined || at === undefined ? [] : [{ device, root: unescape(root), at: unescape(at) }];
    });
  }

  /** @param path absolute, free of symbolic links. @returns paths that would be the same file, whether or not another mount covers them */
  of(path: string): readonly string[] {
    const own = this.#mountOf(path);
    if (own === undefined) return [];
    const inside = join(own.root, relative(own.at, path));
    const others = this.#mounts.filter(({ device, root }) => device === own.device && isWithin(inside, root)).map(({ root, at }) => join(at, relative(root, inside)));
    return [...new Set(others)].filter((other) => other !== path && this.#mountOf(other)?.device === own.device);
  }

  /** The deepest mount above the path; of several at one place the last covers the others. */
  #mountOf(path: string): MountedFolder | undefined {
    return this.#mounts.reduce<MountedFolder | undefined>((best, mount) => (isWithin(path, mount.at) && mount.at.length >= (best?.at.length ?? 0) ? mount : best), undefined);
  }
}

function join(folder: string, rest: string): string {
  if (rest === "") return folder;
  return folder === "/" ? `/${rest}` : `${folder}/${rest}`;
}

/** Space, tab, line break and backslash are written as three octal digits. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
