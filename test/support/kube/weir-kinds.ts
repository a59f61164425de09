import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../structure/repository.ts";
import type { ControlPlane } from "./control-plane.ts";

export const CRD_FOLDER = join(ROOT, "charts/weir/files/crds");

/** Installs Weir's kinds, and returns when the API server serves them. */
export async function installKinds(plane: ControlPlane): Promise<void> {
  const files = (await readdir(CRD_FOLDER)).map((name) => `--filename=${join(CRD_FOLDER, name)}`);
  await plane.kubectl(["apply", "--server-side", ...files]);
  await plane.kubectl(["wait", "--for=condition=Established", "--timeout=30s", ...files]);
}
