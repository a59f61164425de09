import { copyFile, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyFile as copyLibrary, copyProgram, sharedLibraries } from "../../../scripts/images/libraries.ts";
import { run } from "../../support/kube/command.ts";
import type { NodeLab } from "../../support/kube/node-lab.ts";

export const ATTACKER_IMAGE = "lab.local/attacker:1";
/** What an attacker brings along. Each is found by its name here, and put where everybody looks for it. */
const TOOLS = ["nft", "iptables", "ip", "unshare"];
const PYTHON = "/usr/bin/python3";

/** Python, and the tools that would undo the rules if they could. */
export async function buildAttackerImage(lab: NodeLab): Promise<void> {
  const rootfs = await mkdtemp(join(tmpdir(), "weir-attacker-"));
  try {
    for (const folder of ["bin", "tmp", "etc"]) await mkdir(join(rootfs, folder));
    await copyFile("/bin/busybox", join(rootfs, "bin/busybox"));
    for (const applet of ["sh", "sleep", "ls", "cat"]) await symlink("busybox", join(rootfs, "bin", applet));
    for (const tool of TOOLS) copyProgram((await run(["sh", "-c", `command -v ${tool}`])).trim(), rootfs, join("usr/sbin", tool));
    copyProgram(PYTHON, rootfs, PYTHON);
    const library = (await run([PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"])).trim();
    await cp(library, join(rootfs, library), { recursive: true, filter: (path) => !/\/(__pycache__|test|idlelib|lib2to3|dist-packages|config-[^/]*)$/.test(path) });
    // Extension modules have libraries of their own.
    const extensions = (await readdir(join(library, "lib-dynload"))).map((name) => join(library, "lib-dynload", name));
    for (const needed of new Set(extensions.flatMap(sharedLibraries))) copyLibrary(needed, join(rootfs, needed));
    await writeFile(join(rootfs, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
    await lab.buildImage({ reference: ATTACKER_IMAGE, rootfs, command: ["sleep", "3600"] });
  } finally {
    await rm(rootfs, { recursive: true, force: true });
  }
}
