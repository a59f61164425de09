import { fileURLToPath } from "node:url";
import { FIRST_IDENTITY_UID, SIDECAR_UID } from "../../../common/labels.ts";
import { PORTS } from "../../../common/ports.ts";
import { encodePreamble, type NewPreamble } from "../../../common/preamble.ts";
import { attemptsCommand, type Attempt } from "../../netns/lab/attempts.ts";
import type { LabAddresses } from "../../support/kube/lab/addresses.ts";
import type { ClusterStage } from "../cluster/stage.ts";
import { inPod } from "./capture.ts";
import type { Scene } from "./scene.ts";

/** A name that only an attacker asks for. */
export const CANARY = "canary-of-the-attacker.example.com";

/** What counts as failed, whatever an attempt may still do elsewhere: nobody answered. */
const FAILED = /^(closed|timeout|denied|E[A-Z0-9]+)$/;
/** In a user namespace of its own an attacker may do as it likes: nothing of the pod's network is in it. */
const HARMLESS = new Set(["own user namespace, nft flush there"]);

/** Everything at once, by root in the agent's container. */
export async function attemptAll(stage: ClusterStage, scene: Scene): Promise<readonly Attempt[]> {
  const { addresses } = stage.lab;
  const command = attemptsCommand({
    mode: "pod", node: { 4: addresses.node, 6: "fd00::1" }, own: { 4: scene.address, 6: "fd00::2" }, device: "eth0", port: PORTS.proxy, paths: [], abstract: [], at_once: true,
    uids: [SIDECAR_UID, FIRST_IDENTITY_UID, 1_000], targets: targets(scene, addresses),
    sayings: [
      ["the proxy's service with somebody else's token", scene.proxy.service, PORTS.proxy, preamble(stage, scene.neighbour.token)],
      ["the proxy's pod with somebody else's token", scene.proxy.pod, PORTS.proxy, preamble(stage, scene.neighbour.token)],
      ["the proxy's service with the own token", scene.proxy.service, PORTS.proxy, preamble(stage, scene.ownToken)],
      ["the sidecar with somebody else's token", "127.0.0.1", PORTS.sidecarTcp, preamble(stage, scene.neighbour.token)],
    ],
  });
  const [, ...lines] = (await stage.exec(`${scene.pod}/agent`, ...command)).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Attempt).map((one) => ({ ...one, ok: FAILED.test(one.outcome) || HARMLESS.has(one.name) }));
}

function targets(scene: Scene, { apiServerService, node, outside, world }: LabAddresses): [string, string, number][] {
  return [
    ["the API server's service", apiServerService, 443], ["the API server", node, 6_443], ["the kubelet", node, 10_250], ["the kubelet's read-only port", node, 10_255],
    ["another DNS server", outside, 53], ["the OpenBao", outside, 8_200], ["the world by its address", world, 443], ["the metadata service", "169.254.169.254", 80],
    ["another agent's pod", scene.neighbour.address, 8_080], ["another agent's sidecar", scene.neighbour.address, PORTS.sidecarTcp],
    ["the node proxy's service", scene.proxy.service, PORTS.proxy], ["the node proxy's pod", scene.proxy.pod, PORTS.proxy], ["the node proxy's metrics", scene.proxy.pod, PORTS.admin],
    ["the controller's service", scene.controller.service, 443], ["the controller's pod", scene.controller.pod, 8_443], ["the webhook", scene.controller.pod, 9_443],
    ["the controller's metrics", scene.controller.pod, PORTS.admin],
  ];
}

function preamble(stage: ClusterStage, token: string): string {
  return encodePreamble(words(stage, token)).toString("hex");
}

function words({ lab }: ClusterStage, token: string): NewPreamble {
  return { transport: "tcp", source: { address: lab.addresses.node, port: 1 }, destination: { address: lab.addresses.world, port: 443 }, token, connectionId: "an-attacker" };
}

/** A question for the canary by each server that there is, over UDP and TCP; the answers do not matter, who was asked does. */
export async function askElsewhere(stage: ClusterStage, { pod }: Scene): Promise<void> {
  const script = [
    "import socket, struct, sys",
    `question = struct.pack('>HHHHHH', 7, 0x100, 1, 0, 0, 0) + b''.join(bytes([len(part)]) + part.encode() for part in '${CANARY}'.split('.')) + struct.pack('>BHH', 0, 1, 1)`,
    "for kind, text in ((socket.SOCK_DGRAM, question), (socket.SOCK_STREAM, struct.pack('>H', len(question)) + question)):",
    "  try:",
    "    with socket.socket(socket.AF_INET, kind) as sock:",
    "      sock.settimeout(2); sock.connect((sys.argv[1], 53)); sock.send(text); sock.recv(500)",
    "  except OSError: pass",
  ].join("\n");
  for (const server of [stage.lab.addresses.outside, "1.1.1.1"]) await stage.exec(`${pod}/agent`, "python3", "-c", script, server);
}

/**
 * What nobody in the pod can do: dial the proxy as the uid of the sidecar, past the rules. Then the proxy alone decides.
 * @returns `answered`, `closed` or `silent`
 */
export async function dialAsSidecar(stage: ClusterStage, scene: Scene, token: string | null): Promise<string> {
  const as = ["setpriv", "--reuid", String(SIDECAR_UID), "--regid", String(SIDECAR_UID), "--clear-groups", "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search", "--"];
  return (await inPod(scene.process, [...as, ...dial(stage, scene, token)])).trim();
}

/** The same from the node: past every rule and every NetworkPolicy, but not at the address of the pod. */
export async function dialFromNode(stage: ClusterStage, scene: Scene, token: string | null): Promise<string> {
  return (await stage.lab.run(dial(stage, scene, token))).trim();
}

function dial(stage: ClusterStage, { proxy }: Scene, token: string | null): string[] {
  const program = fileURLToPath(new URL("../../support/kube/dial-program.ts", import.meta.url));
  return [process.execPath, program, proxy.service, String(PORTS.proxy), ...(token === null ? [] : [JSON.stringify(words(stage, token))])];
}
