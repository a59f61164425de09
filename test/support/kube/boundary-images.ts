import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, type BuildOptions } from "esbuild";
import { SIDECAR_NODE_FLAGS } from "../../../common/sidecar-flags.ts";
import { copyProgram } from "../../../scripts/images/libraries.ts";
import { ROOT } from "../../structure/repository.ts";
import type { NodeLab } from "./node-lab.ts";

/** References of the images, as pods name them. */
export const BOUNDARY_IMAGES = { init: "lab.local/weir-init:1", sidecar: "lab.local/weir-sidecar:1", recorder: "lab.local/recorder:1" } as const;
const NODE = "/usr/local/bin/node";
const REQUIRE = 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

/** Init and sidecar as this checkout has them, laid out as in their images, and the stand-in for a node proxy that says what it was told. */
export async function buildBoundaryImages(lab: NodeLab): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "weir-boundary-"));
  try {
    const rootfs = join(folder, "root");
    await mkdir(join(rootfs, "app"), { recursive: true });
    copyProgram(process.execPath, rootfs, NODE.slice(1));
    copyProgram("/usr/sbin/nft", rootfs, "usr/sbin/nft");
    const bundle = { bundle: true, platform: "node", target: "node24", external: ["koffi"], logLevel: "error" } satisfies BuildOptions;
    const entry = (path: string, outfile: string) => ({ entryPoints: [join(ROOT, path)], outfile: join(rootfs, "app", outfile) });
    await build({ ...bundle, ...entry("init/main.ts", "init.mjs"), format: "esm", banner: { js: REQUIRE } });
    await build({ ...bundle, ...entry("sidecar/main.ts", "sidecar.cjs"), format: "cjs" });
    await build({ ...bundle, ...entry("test/netns/lab/recorder-program.ts", "recorder.mjs"), format: "esm", banner: { js: REQUIRE } });
    await lab.buildImage({ reference: BOUNDARY_IMAGES.init, rootfs, entrypoint: [NODE, "/app/init.mjs"], user: "0:0" });
    await lab.buildImage({ reference: BOUNDARY_IMAGES.sidecar, rootfs, entrypoint: [NODE, ...SIDECAR_NODE_FLAGS, "/app/sidecar.cjs"], user: "64000:64000" });
    await lab.buildImage({ reference: BOUNDARY_IMAGES.recorder, rootfs, entrypoint: [NODE, "/app/recorder.mjs"], user: "65534:65534" });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
