import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubeObject, ResourceType } from "../../../common/kube/kube-api.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { filesUnder, read, ROOT } from "../../structure/repository.ts";

export interface Manifest {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

/** Every resource of an example's folder `manifests`, as if applied to a namespace. @param example a folder below examples/ */
export function manifestsOf(example: string, namespace: string): Manifest[] {
  return filesUnder(`examples/${example}/manifests`, ".yaml").filter((path) => !path.endsWith("kustomization.yaml")).flatMap((path) => readManifests(path, namespace));
}

export function readManifests(path: string, namespace: string): Manifest[] {
  return parseAllDocuments(read(path)).map((document) => {
    const object = document.toJS() as KubeObject;
    const type = Object.values(TYPES).find(({ kind }) => kind === object["kind"]);
    if (type === undefined) throw new Error(`${path}: unknown kind`);
    return { type, object: { ...object, metadata: { ...object.metadata, namespace } } };
  });
}

/** What the last stage of that name (or the first one) of an example's Dockerfile starts, with the files where they are in the checkout. */
export function entryPointOf(example: string, stage: string | null): string[] {
  const text = readFileSync(join(ROOT, "examples", example, "Dockerfile"), "utf8");
  const stages = text.split(/^FROM /m).slice(1);
  const found = stage === null ? stages[0] : stages.find((lines) => new RegExp(`^\\S+ AS ${stage}$`, "m").test(lines));
  const entryPoint = /^ENTRYPOINT (.*)$/m.exec(found ?? "")?.[1];
  if (entryPoint === undefined) throw new Error(`examples/${example}/Dockerfile starts nothing${stage === null ? "" : ` in stage ${stage}`}`);
  return JSON.parse(entryPoint) as string[];
}
