import { readEnvironment } from "../../../common/config.ts";
import { obtainKubernetes } from "../../../tools/kubernetes.ts";
import { helmRelease, RELEASE, type Values } from "./chart.ts";
import { imageArchives } from "./image-archives.ts";
import { startNodeLab, type NodeLab } from "./node-lab.ts";
import { openOutsideWorld, type OutsideWorld } from "./outside-world.ts";

/** Namespace of the lab's agents. */
export const AGENTS = "agents";

/** A real node with Weir installed as its users install it, and a world outside. */
export interface BoundaryLab {
  readonly lab: NodeLab;
  readonly world: OutsideWorld;
  stop(): Promise<void>;
}

const ROLLOUT = "--timeout=140s";
const ROOTS = { configMap: "weir-roots", key: "ca.crt", folder: "/etc/weir-roots" } as const;

/** Builds the images of this checkout, starts the node and the world, and installs the chart: about a minute. @param values beyond those that lead to this world */
export async function startBoundaryLab(print: (line: string) => void, values: Values = {}): Promise<BoundaryLab> {
  const startedAtMs = performance.now();
  const say = (what: string): void => { print(`  ${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s: ${what}`); };
  await obtainKubernetes(readEnvironment(), print, ["helm"]);
  const images = imageArchives();
  // Whatever goes wrong first is told below; the other one must not be an unhandled rejection.
  images.catch(() => {});
  const lab = await startNodeLab();
  say("the node is ready");
  let world: OutsideWorld | undefined;
  const stop = async () => {
    await lab.stop();
    await world?.close();
  };
  try {
    world = await openOutsideWorld(lab.addresses);
    for (const archive of await images) await lab.importImage(archive);
    say("the images are there");
    await prepareNamespace(lab, world);
    await helmRelease("install", [], { kubeconfig: lab.adminKubeconfig, values: chartValues(lab, world, values) });
    await lab.kubectl(["--namespace", RELEASE.namespace, "rollout", "status", ROLLOUT, "deployment/weir-controller"]);
    await lab.kubectl(["--namespace", RELEASE.namespace, "rollout", "status", ROLLOUT, "daemonset/weir-proxy"]);
    say("controller and proxy are ready");
    return { lab, world, stop };
  } catch (error) {
    await tellWhatIsWrong(lab, print);
    await stop();
    throw error;
  }
}

/** What a user's administrator has beside the chart: the token for OpenBao, and the roots of this world. */
async function prepareNamespace(lab: NodeLab, world: OutsideWorld): Promise<void> {
  const { namespace } = RELEASE;
  await lab.createNamespace(namespace);
  await lab.kubectl(["apply", "--filename", "-"], JSON.stringify({
    apiVersion: "v1", kind: "List", items: [
      { apiVersion: "v1", kind: "Secret", metadata: { name: "weir-vault", namespace }, stringData: { token: world.baoToken } },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: ROOTS.configMap, namespace }, data: { [ROOTS.key]: world.rootsPem } },
    ],
  }));
}

function chartValues({ addresses }: NodeLab, { baoAddress }: OutsideWorld, values: Values): Values {
  const { proxy = {}, ...rest } = values as { proxy?: Values };
  return {
    images: { pullPolicy: "Never" },
    agentNamespaces: [{ name: AGENTS, create: true }],
    vault: { address: baoAddress, tokenSecret: { name: "weir-vault" }, caConfigMap: { name: ROOTS.configMap } },
    proxy: {
      config: { upstream: { allowAddresses: [`${addresses.world}/32`], extraCaFiles: [`${ROOTS.folder}/${ROOTS.key}`] } },
      extraVolumes: [{ name: "roots", configMap: { name: ROOTS.configMap } }],
      extraVolumeMounts: [{ name: "roots", mountPath: ROOTS.folder, readOnly: true }],
      ...proxy,
    },
    ...rest,
  };
}

async function tellWhatIsWrong(lab: NodeLab, print: (line: string) => void): Promise<void> {
  const inNamespace = ["--namespace", RELEASE.namespace];
  for (const args of [["get", "pods", "--all-namespaces"], [...inNamespace, "get", "events"], [...inNamespace, "logs", "deployment/weir-controller", "--tail=40"], [...inNamespace, "logs", "daemonset/weir-proxy", "--tail=40"]]) {
    print(await lab.kubectl(args).catch((error: unknown) => String(error)));
  }
}
