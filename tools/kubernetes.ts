import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Environment } from "../common/config.ts";

/** A group of programs that one Go module pins. `versionPackages` are told their version by the linker, as the releases are. */
export interface GoTool {
  readonly version: string;
  /** Module whose version counts, as tools/NAME/go.mod requires it. */
  readonly module: string;
  /** Go package of each program. */
  readonly programs: Readonly<Record<string, string>>;
  readonly linkerFlags: readonly string[];
}

const KUBERNETES_VERSION = "1.36.3";

/** What tests run against; folder tools/NAME pins the same versions with their hashes (test/structure/tool-versions.test.ts). */
export const GO_TOOLS = {
  kubernetes: {
    version: KUBERNETES_VERSION,
    module: "k8s.io/kubernetes",
    programs: {
      "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
      "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
      "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
      kubectl: "k8s.io/kubernetes/cmd/kubectl",
      kubelet: "k8s.io/kubernetes/cmd/kubelet",
      "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
    },
    // Without these the server calls itself v0.0.0-master, which Helm and client libraries do not accept.
    linkerFlags: ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) => [
      `-X ${path}.gitVersion=v${KUBERNETES_VERSION}`, `-X ${path}.gitMajor=1`, `-X ${path}.gitMinor=${KUBERNETES_VERSION.split(".")[1]}`, `-X ${path}.gitTreeState=clean`,
    ]),
  },
  etcd: { version: "3.6.16", module: "go.etcd.io/etcd/server/v3", programs: { etcd: "go.etcd.io/etcd/server/v3" }, linkerFlags: [] },
  kwok: {
    version: "0.8.0", module: "sigs.k8s.io/kwok", programs: { kwok: "sigs.k8s.io/kwok/cmd/kwok" }, linkerFlags: ["-X sigs.k8s.io/kwok/pkg/consts.Version=v0.8.0"],
  },
  helm: { version: "4.3.1", module: "helm.sh/helm/v4", programs: { helm: "helm.sh/helm/v4/cmd/helm" }, linkerFlags: ["-X helm.sh/helm/v4/internal/version.version=v4.3.1"] },
} as const satisfies Record<string, GoTool>;

type ToolName = keyof typeof GO_TOOLS;

/** Paths of the programs. `kwokStages` is kwok's own list of what its fake nodes and pods do, one YAML file. */
export interface KubernetesPrograms {
  readonly apiserver: string;
  readonly controllerManager: string;
  readonly scheduler: string;
  readonly kubectl: string;
  readonly kubelet: string;
  readonly proxy: string;
  readonly etcd: string;
  readonly kwok: string;
  readonly kwokStages: string;
  readonly helm: string;
}

/** Which file of which tool each program is. */
const FILES = {
  apiserver: ["kubernetes", "kube-apiserver"],
  controllerManager: ["kubernetes", "kube-controller-manager"],
  scheduler: ["kubernetes", "kube-scheduler"],
  kubectl: ["kubernetes", "kubectl"],
  kubelet: ["kubernetes", "kubelet"],
  proxy: ["kubernetes", "kube-proxy"],
  etcd: ["etcd", "etcd"],
  kwok: ["kwok", "kwok"],
  kwokStages: ["kwok", "stages.yaml"],
  helm: ["helm", "helm"],
} as const satisfies Record<keyof KubernetesPrograms, readonly [ToolName, string]>;

const PROGRAMS = Object.keys(FILES) as (keyof KubernetesPrograms)[];
/** kwok's stages that make nodes ready at once and pods run as soon as they are scheduled; the others act illness. */
const STAGES = ["node/fast/node-initialize", "node/heartbeat-with-lease/node-heartbeat-with-lease", "pod/fast/pod-ready", "pod/fast/pod-complete", "pod/fast/pod-delete"];
/** Two cores need about eight minutes for all of Kubernetes, once. */
const BUILD_DEADLINE_MS = 2_400_000;

/**
 * Finds programs in the tool cache, without building any.
 * @returns null if one of `wanted` is missing
 */
export async function findKubernetes(environment: Environment, wanted: readonly (keyof KubernetesPrograms)[] = PROGRAMS): Promise<KubernetesPrograms | null> {
  return (await missingOf(environment, wanted)).length === 0 ? pathsOf(environment) : null;
}

/**
 * Like `findKubernetes`, and builds what is missing from the Go modules that tools/ pins by hash: minutes, once per machine.
 * @param announce is told each build before it starts
 * @param wanted only these are sure to exist afterwards
 * @throws Error if Go is missing or a build fails
 */
export async function obtainKubernetes(environment: Environment, announce: (line: string) => void,
  wanted: readonly (keyof KubernetesPrograms)[] = PROGRAMS): Promise<KubernetesPrograms> {
  const missing = await missingOf(environment, wanted);
  for (const tool of Object.keys(GO_TOOLS) as ToolName[]) {
    const files = missing.flatMap((program) => (FILES[program][0] === tool ? [FILES[program][1]] : []));
    if (files.length === 0) continue;
    announce(`building ${files.join(", ")} ${GO_TOOLS[tool].version} into ${folderOf(environment, tool)} (minutes, once)`);
    await build(environment, tool, files);
  }
  return pathsOf(environment);
}

async function build(environment: Environment, tool: ToolName, files: readonly string[]): Promise<void> {
  const { programs, linkerFlags }: GoTool = GO_TOOLS[tool];
  const folder = folderOf(environment, tool);
  await mkdir(folder, { recursive: true });
  // Built aside and moved: two runs at once must not see half of a program.
  const aside = await mkdtemp(`${folder}-`);
  try {
    for (const file of files) {
      const path = programs[file];
      const target = join(aside, file);
      if (path === undefined) await writeFile(target, await kwokStages(environment));
      else await go(environment, tool, ["build", "-trimpath", "-ldflags", ["-s -w", ...linkerFlags].join(" "), "-o", target, path]);
      await rename(target, join(folder, file));
    }
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** The stages lie in kwok's module, beside its code. */
async function kwokStages(environment: Environment): Promise<string> {
  await go(environment, "kwok", ["mod", "download", GO_TOOLS.kwok.module]);
  const module = (await go(environment, "kwok", ["list", "-m", "-f", "{{.Dir}}", GO_TOOLS.kwok.module])).trim();
  const stages = await Promise.all(STAGES.map(async (name) => readFile(join(module, "kustomize/stage", `${name}.yaml`), "utf8")));
  return stages.join("\n---\n");
}

async function go(environment: Environment, tool: ToolName, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("go", args, {
    cwd: join(import.meta.dirname, tool), timeout: BUILD_DEADLINE_MS, env: { ...environment, CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "-mod=readonly -buildvcs=false" },
  });
  return stdout;
}

async function missingOf(environment: Environment, wanted: readonly (keyof KubernetesPrograms)[]): Promise<(keyof KubernetesPrograms)[]> {
  const paths = pathsOf(environment);
  const present = await Promise.all(wanted.map(async (program) => access(paths[program], FILES[program][1].endsWith(".yaml") ? constants.R_OK : constants.X_OK).then(() => true, () => false)));
  return wanted.filter((_, index) => present[index] !== true);
}

function pathsOf(environment: Environment): KubernetesPrograms {
  return Object.fromEntries(PROGRAMS.map((program) => [program, join(folderOf(environment, FILES[program][0]), FILES[program][1])])) as Record<keyof KubernetesPrograms, string>;
}

function folderOf(environment: Environment, tool: ToolName): string {
  const cache = environment["XDG_CACHE_HOME"];
  return join(cache !== undefined && cache !== "" ? cache : join(environment["HOME"] ?? homedir(), ".cache"), "weir", "tools", `${tool}-v${GO_TOOLS[tool].version}`);
}
