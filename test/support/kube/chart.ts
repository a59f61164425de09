import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { readEnvironment } from "../../../common/config.ts";
import { findKubernetes } from "../../../tools/kubernetes.ts";
import { run } from "./command.ts";

export const CHART = fileURLToPath(new URL("../../../charts/weir", import.meta.url));
/** Where the tests install it. */
export const RELEASE = { name: "weir", namespace: "weir-system" } as const;

/** An object of a rendered chart. */
export interface ChartObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export type Values = Readonly<Record<string, unknown>>;

export interface HelmOptions {
  /** Default: no cluster, for `template` and `lint`. */
  readonly kubeconfig?: string;
  readonly values?: Values;
  /** Another chart than the checkout's. */
  readonly chart?: string;
}

/** Path of helm, or null where it has not been built (`npm run verify:cluster` builds it). */
export async function findHelm(): Promise<string | null> {
  return (await findKubernetes(readEnvironment(), ["helm"]))?.helm ?? null;
}

/** Runs `helm VERB RELEASE CHART --namespace … --values …` @returns what it printed @throws Error with helm's own words */
export async function helmRelease(verb: "template" | "install" | "upgrade", args: readonly string[], options: HelmOptions = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "weir-helm-"));
  try {
    const values = join(folder, "values.json");
    await writeFile(values, JSON.stringify(options.values ?? {}));
    return await helm([verb, RELEASE.name, options.chart ?? CHART, "--namespace", RELEASE.namespace, "--values", values, ...args], options.kubeconfig);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs helm with settings of its own: nothing of this user's is read or changed. */
export async function helm(args: readonly string[], kubeconfig?: string): Promise<string> {
  const program = await findHelm();
  if (program === null) throw new Error("there is no helm here");
  const home = await mkdtemp(join(tmpdir(), "weir-helm-home-"));
  try {
    return await run([program, ...args, ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig])], { environment: { HOME: home, PATH: "/usr/bin:/bin" } });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** The objects that the chart stands for with these values, in order. */
export async function renderChart(values: Values = {}, args: readonly string[] = []): Promise<readonly ChartObject[]> {
  return readObjects(await helmRelease("template", args, { values }));
}

export function readObjects(text: string): readonly ChartObject[] {
  return parseAllDocuments(text).map((document) => document.toJS() as ChartObject | null).filter((object) => object !== null);
}

/** Like `Array.find`. @throws Error if the chart has no such object, or two */
export function objectOf(objects: readonly ChartObject[], kind: string, name: string, namespace?: string): ChartObject {
  const [found, ...more] = objects.filter((object) => object.kind === kind && object.metadata.name === name && (namespace === undefined || object.metadata.namespace === namespace));
  if (found === undefined || more.length > 0) throw new Error(`${found === undefined ? "no" : "more than one"} ${kind} ${name}`);
  return found;
}
