import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder like /run/netns of a node: a file for each network namespace, by which it is entered. Needs root. */
export class NamespaceFolder {
  readonly path = join(mkdtempSync(join(tmpdir(), "weir-netns-")), "netns");
  readonly #mounted = new Set<string>();

  constructor() {
    mkdirSync(this.path);
  }

  /** As a container runtime does it. @param namespace /proc/PID/ns/net of a process in it */
  add(name: string, namespace: string): void {
    this.addFile(name);
    execFileSync("mount", ["--bind", namespace, join(this.path, name)]);
    this.#mounted.add(name);
  }

  /** A file without a namespace: what is left when a runtime is interrupted. */
  addFile(name: string): void {
    writeFileSync(join(this.path, name), "");
  }

  remove(name: string): void {
    execFileSync("umount", [join(this.path, name)]);
    this.#mounted.delete(name);
    rmSync(join(this.path, name));
  }

  close(): void {
    for (const name of this.#mounted) this.remove(name);
    rmSync(join(this.path, ".."), { recursive: true });
  }
}
