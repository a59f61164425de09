import type { KubernetesPrograms } from "../../../tools/kubernetes.ts";
import type { ClusterFiles } from "./cluster-files.ts";
import { startServer, type ServerProcess } from "./server-process.ts";

/** Client rate limits of the components, out of the way of what is measured. */
const RATES = ["--kube-api-qps=1000", "--kube-api-burst=2000"];

/** The controller manager and the scheduler; they serve nothing. @param within see `startServer` */
export async function startControllers(programs: KubernetesPrograms, files: ClusterFiles, within: readonly string[] = []): Promise<ServerProcess[]> {
  const kubeconfig = async (user: string) => files.kubeconfig(user.replaceAll(":", "-"), await files.identity(user));
  const managerConfig = await kubeconfig("system:kube-controller-manager");
  const schedulerConfig = await kubeconfig("system:kube-scheduler");
  return [
    startServer(programs.controllerManager, [
      `--kubeconfig=${managerConfig}`, "--leader-elect=false", "--secure-port=0", "--use-service-account-credentials=true", `--root-ca-file=${files.path("ca.crt")}`,
      `--service-account-private-key-file=${files.path("tokens.key")}`, `--cluster-signing-cert-file=${files.path("ca.crt")}`, `--cluster-signing-key-file=${files.path("ca.key")}`, ...RATES,
    ], files.path("controller-manager.log"), within),
    startServer(programs.scheduler, [`--kubeconfig=${schedulerConfig}`, "--leader-elect=false", "--secure-port=0", ...RATES], files.path("scheduler.log"), within),
  ];
}
