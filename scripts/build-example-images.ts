import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { describeError } from "../common/lifecycle.ts";
import { buildah, CA_BUNDLE, writeStorageConfig } from "./build-images.ts";
import { gatherRuntime } from "./images/contents.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUT = join(ROOT, "dist/images");
const VERSION = "1.0.0";
const BASE = "weir.local/runtime:base";

/** Folder below examples/ and stage of its Dockerfile; null is the last one. */
const EXAMPLES = {
  "agent": { folder: "agent", stage: null },
  "cli-agent": { folder: "cli-agent", stage: "wrapper" },
  "service-runner": { folder: "playbook", stage: "service-runner" },
  "notifier": { folder: "playbook", stage: "notifier" },
} as const;
export type ExampleName = keyof typeof EXAMPLES;
export const EXAMPLE_NAMES = Object.keys(EXAMPLES) as readonly ExampleName[];

/** As the examples' manifests name it: to containerd an image of Docker's registry, which nothing asks once the image is on the node. */
export function exampleReference(name: ExampleName): string {
  return `docker.io/library/weir-example-${name}:${VERSION}`;
}

/** Where the archive of an example's image is written. */
export function exampleArchive(name: ExampleName): string {
  return join(OUT, `weir-example-${name}.tar`);
}

/**
 * Builds the examples' images from their Dockerfiles without a registry, on the base of Weir's own images.
 * @throws UserError if buildah or another tool is missing
 */
export function buildExampleImages(announce: (line: string) => void): void {
  const context = join(OUT, "example-context");
  const storage = join(OUT, "example-storage");
  const config = writeStorageConfig(storage);
  try {
    gatherRuntime({ node: process.execPath, caBundle: CA_BUNDLE }, join(context, "out", "runtime"));
    buildah(config, ["bud", "--quiet", "--build-context", `build=${context}`, "--target", "runtime", "--tag", BASE, "--file", "Dockerfile", context]);
    for (const name of EXAMPLE_NAMES) {
      const { folder, stage } = EXAMPLES[name];
      rmSync(exampleArchive(name), { force: true });
      const target = stage === null ? [] : ["--target", stage];
      buildah(config, ["bud", "--quiet", "--isolation", "chroot", "--timestamp", "0", "--build-arg", `BASE=${BASE}`, ...target, "--tag", exampleReference(name),
        `examples/${folder}`]);
      buildah(config, ["push", "--quiet", exampleReference(name), `oci-archive:${exampleArchive(name)}:${exampleReference(name)}`]);
      announce(`${exampleReference(name)} -> ${exampleArchive(name).slice(ROOT.length)}`);
    }
  } finally {
    buildah(config, ["rmi", "--all", "--force"]);
    for (const folder of [storage, context]) rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  try {
    buildExampleImages((line) => { process.stderr.write(`${line}\n`); });
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n${error instanceof UserError ? `  ${error.hint}\n` : ""}`);
    process.exitCode = error instanceof UserError ? error.exitCode : EXIT.failure;
  }
}
