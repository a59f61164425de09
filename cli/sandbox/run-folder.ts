import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { TEMPORARY_PARENT } from "../../common/own-folders.ts";
import type { RunFiles } from "./host-paths.ts";

/** An address that is nobody's: every datagram to port 53 goes to the sidecar, whatever its destination (init/rules.ts). */
const NAMESERVER = "10.255.0.1";

export interface RunFolder extends RunFiles {
  /** Writes one more file. @returns its path */
  add(name: string, content: string | Buffer): string;
  remove(): void;
}

/** A folder with the files of one run, readable by the user only; the agent sees what is mounted from it and not the folder. */
export function openRunFolder(): RunFolder {
  const folder = mkdtempSync(join(TEMPORARY_PARENT, "weir-run-"));
  const add = (name: string, content: string | Buffer) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    chmodSync(path, 0o444);
    return path;
  };
  return {
    folder, add,
    emptyFile: add("empty", ""),
    resolvConf: add("resolv.conf", `nameserver ${NAMESERVER}\noptions timeout:2 attempts:2\n`),
    hosts: add("hosts", `127.0.0.1 localhost ${hostname()}\n::1 localhost ip6-localhost ip6-loopback\n`),
    remove: () => { rmSync(folder, { recursive: true, force: true }); },
  };
}
