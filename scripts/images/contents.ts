import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyFile, copyProgram } from "./libraries.ts";

/** Where the pieces are taken from: this checkout, built, and this machine. */
export interface Sources {
  readonly checkout: string;
  readonly node: string;
  readonly nft: string;
  /** Enters a network namespace, and lists addresses there: for the node's agent, which is in the image of init. */
  readonly nsenter: string;
  readonly ip: string;
  readonly opa: string;
  /** The roots of the system. */
  readonly caBundle: string;
}

/** The images, each a stage of the Dockerfile on top of `runtime`. */
export const IMAGES = ["init", "sidecar", "proxy", "controller"] as const;
export type ImageName = (typeof IMAGES)[number];

const APP = "app";

/** The users of the images by number; a name for each, so that tools which ask find one. */
const PASSWD = `root:x:0:0:root:/:/nonexistent
nobody:x:65534:65534:nobody:/:/nonexistent
weir:x:65532:65532:weir:/:/nonexistent
weir-sidecar:x:64000:64000:weir-sidecar:/:/nonexistent
`;
const GROUP = "root:x:0:\nnogroup:x:65534:\nweir:x:65532:\nweir-sidecar:x:64000:\n";

/** What one image has beyond the runtime. @param root its folder, which becomes the root of the image */
const CONTENTS: Readonly<Record<ImageName, (sources: Sources, root: string) => void>> = {
  init: ({ checkout, nft, nsenter, ip }, root) => {
    for (const program of ["init.mjs", "redirect.mjs"]) copyFile(join(checkout, "dist", program), join(root, APP, program));
    copyProgram(nft, root, "usr/sbin/nft");
    copyProgram(nsenter, root, "usr/bin/nsenter");
    copyProgram(ip, root, "usr/sbin/ip");
  },
  sidecar: ({ checkout }, root) => {
    copyFile(join(checkout, "dist/sidecar.cjs"), join(root, APP, "sidecar.cjs"));
  },
  proxy: ({ checkout }, root) => {
    for (const program of ["proxy.mjs", "policy-thread.mjs", "bundle-thread.mjs"]) copyFile(join(checkout, "dist", program), join(root, APP, program));
    copyFile(join(checkout, "policies/dist/default.tar.gz"), join(root, APP, "policies/dist/default.tar.gz"));
    cpSync(join(checkout, "policies/packs"), join(root, APP, "policies/packs"), { recursive: true, filter: isNoTest });
    copyPackages(checkout, root, ["koffi", `@koromix/koffi-${process.platform}-${process.arch}`]);
  },
  controller: ({ checkout, opa }, root) => {
    copyFile(join(checkout, "dist/controller.mjs"), join(root, APP, "controller.mjs"));
    // The library's sources and schemas: what users' Rego is checked and compiled with.
    cpSync(join(checkout, "policies"), join(root, APP, "policies"), { recursive: true, filter: isNoTest });
    copyPackages(checkout, root, ["koffi", `@koromix/koffi-${process.platform}-${process.arch}`, "@electric-sql/pglite"]);
    copyProgram(opa, root, "usr/local/bin/opa");
  },
};

/**
 * Writes `runtime/` and a folder for each image below `out`, ready to be copied into images as they are.
 * @returns the images that could be filled: a program that is not in `dist/` has none
 */
export function gatherContents(sources: Sources, out: string): ImageName[] {
  rmSync(out, { recursive: true, force: true });
  gatherRuntime(sources, join(out, "runtime"));
  const built = IMAGES.filter((name) => existsSync(join(sources.checkout, "dist", name === "sidecar" ? "sidecar.cjs" : `${name}.mjs`)));
  for (const name of built) {
    const root = join(out, name);
    mkdirSync(root, { recursive: true });
    CONTENTS[name](sources, root);
  }
  return built;
}

/** Node with its libraries, the public roots, names of the users, a folder for temporary files; no shell. */
export function gatherRuntime({ node, caBundle }: Pick<Sources, "node" | "caBundle">, root: string): void {
  copyProgram(node, root, "usr/local/bin/node");
  copyFile(caBundle, join(root, "etc/ssl/certs/ca-certificates.crt"));
  writeFileSync(join(root, "etc/passwd"), PASSWD);
  writeFileSync(join(root, "etc/group"), GROUP);
  writeFileSync(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
  mkdirSync(join(root, "tmp"));
  chmodSync(join(root, "tmp"), 0o1777);
}

function copyPackages(checkout: string, root: string, names: readonly string[]): void {
  for (const name of names) {
    cpSync(join(checkout, "node_modules", name), join(root, APP, "node_modules", name), { recursive: true, filter: isNeededAtRunTime });
  }
}

/** Of the policies. */
function isNoTest(path: string): boolean {
  return !/_test\.(?:rego|yaml)$|\.gitignore$/.test(path);
}

/** Type declarations, source maps and texts only make the image larger. */
function isNeededAtRunTime(path: string): boolean {
  return !/\.(d\.ts|d\.cts|d\.mts|map|md)$/.test(path);
}
