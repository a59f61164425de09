import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { copyProgram } from "../../../../scripts/images/libraries.ts";
import { run } from "../command.ts";

/** An image without a registry or a daemon: a folder, and how it is started. */
export interface ImageWish {
  /** With a tag. */
  readonly reference: string;
  /** Becomes the root; owners are root, modes as they are. */
  readonly rootfs: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const DEADLINE_MS = 120_000;
const BUSYBOX = "/bin/busybox";
const NFT = "/usr/sbin/nft";
/** Commands of BusyBox that the image `lab.local/node` offers by their names. */
const APPLETS = ["sh", "cat", "ls", "echo", "sleep", "wget", "nc", "id", "ps", "grep", "ip", "ping", "mkdir", "touch", "rm", "env", "nslookup", "true", "test", "kill"];

/** Packs a folder as an archive of one layer that `ctr images import` and `docker load` read. @param archive path of the tar file to write */
export async function packImage(wish: ImageWish, archive: string): Promise<void> {
  const folder = await mkdtemp(`${archive}-`);
  try {
    const layer = join(folder, "layer.tar");
    await tar(["--create", "--file", layer, "--owner=0", "--group=0", "--numeric-owner", "--sort=name", "--mtime=@0", "--directory", wish.rootfs, "."]);
    const hash = createHash("sha256");
    await pipeline(createReadStream(layer), hash);
    const config = {
      architecture: process.arch === "arm64" ? "arm64" : "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [`sha256:${hash.digest("hex")}`] },
      config: { Entrypoint: wish.entrypoint ?? [], Cmd: wish.command ?? [], User: wish.user ?? "", Env: Object.entries({ PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...wish.environment }).map(([name, value]) => `${name}=${value}`) },
    };
    await writeFile(join(folder, "config.json"), JSON.stringify(config));
    await writeFile(join(folder, "manifest.json"), JSON.stringify([{ Config: "config.json", RepoTags: [wish.reference], Layers: ["layer.tar"] }]));
    await tar(["--create", "--file", archive, "--directory", folder, "manifest.json", "config.json", "layer.tar"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the sandbox of each pod runs: nothing, for as long as it takes. */
export async function packPauseImage(reference: string, folder: string): Promise<string> {
  const rootfs = join(folder, "pause");
  await mkdir(join(rootfs, "bin"), { recursive: true });
  await copyFile(BUSYBOX, join(rootfs, BUSYBOX));
  await packImage({ reference, rootfs, entrypoint: [BUSYBOX, "sleep", "2147483647"], user: "65535:65535" }, `${rootfs}.tar`);
  return `${rootfs}.tar`;
}

/** A small system for pods of the tests: this very Node, BusyBox and nft; runs as root unless a pod says otherwise. */
export async function packNodeImage(reference: string, folder: string): Promise<string> {
  const rootfs = join(folder, "node");
  for (const each of ["bin", "etc", "tmp", "usr/local/bin"]) await mkdir(join(rootfs, each), { recursive: true });
  await chmod(join(rootfs, "tmp"), 0o1777);
  await copyFile(BUSYBOX, join(rootfs, BUSYBOX));
  for (const applet of APPLETS) await symlink("busybox", join(rootfs, "bin", applet));
  copyProgram(process.execPath, rootfs, "usr/local/bin/node");
  copyProgram(NFT, rootfs, "usr/sbin/nft");
  await writeFile(join(rootfs, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n");
  await writeFile(join(rootfs, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  await packImage({ reference, rootfs, command: ["sh"] }, `${rootfs}.tar`);
  return `${rootfs}.tar`;
}

async function tar(args: readonly string[]): Promise<void> {
  await run(["tar", ...args], { deadlineMs: DEADLINE_MS });
}
