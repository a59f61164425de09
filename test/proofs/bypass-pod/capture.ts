import { readFile } from "node:fs/promises";
import { PORTS } from "../../../common/ports.ts";
import { run } from "../../support/kube/command.ts";
import { startServer, type ServerProcess } from "../../support/kube/server-process.ts";
import type { NodeLab } from "../../support/kube/node-lab.ts";

/** What a packet socket on one interface saw. */
export interface Capture {
  /** Lines of tcpdump, one for each packet. */
  end(): Promise<readonly string[]>;
}

const READY_DEADLINE_MS = 10_000;
const SNAP_BYTES = "128";

/** Every packet that the pod sends, on the node's end of its cable. */
export async function capturePod(lab: NodeLab, podProcess: number): Promise<Capture> {
  const [device] = JSON.parse(await inPod(podProcess, ["ip", "-json", "link", "show", "eth0"])) as { link_index: number }[];
  const links = JSON.parse(await lab.run(["ip", "-json", "link"])) as { ifindex: number; ifname: string }[];
  const name = links.find(({ ifindex }) => ifindex === device?.link_index)?.ifname;
  if (name === undefined) throw new Error("the pod's interface has no end on the node");
  return capture(lab.serve(["tcpdump", ...flags(name)], "capture-pod"));
}

/** Runs a command of this machine in a pod's network. */
export async function inPod(podProcess: number, argv: readonly string[]): Promise<string> {
  return run(["nsenter", `--net=/proc/${podProcess}/ns/net`, "--", ...argv]);
}

/** Every packet that leaves the node. */
export async function captureOutside({ addresses, folder }: NodeLab): Promise<Capture> {
  return capture(startServer("tcpdump", flags(addresses.interfaceName), `${folder}/capture-outside.log`));
}

/** Of a pod's packets, those that are neither a connection to the node proxy nor talk between neighbours. */
export function leaksOfPod(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !isNeighbourly(line) && !line.includes(`.${PORTS.proxy}: Flags`));
}

/** Of the node's packets, those that are not answers of its API server to this machine. */
export function leaksOfNode(lines: readonly string[], { addresses }: NodeLab): readonly string[] {
  return lines.filter((line) => !isNeighbourly(line) && !line.includes(`IP ${addresses.node}.6443 > `));
}

/** ARP, and neighbour discovery and listener reports of IPv6. */
function isNeighbourly(line: string): boolean {
  return /^\S+ ARP, /.test(line) || /^\S+ IP6 .* > ff02::\S+: (HBH )?ICMP6, (multicast listener report|router solicitation|neighbor solicitation)/.test(line);
}

function flags(interfaceName: string): string[] {
  return ["-Z", "root", "-i", interfaceName, "-Q", "in", "-n", "-l", "--immediate-mode", "-s", SNAP_BYTES];
}

async function capture(server: ServerProcess): Promise<Capture> {
  await server.ready(async () => (await readFile(server.logFile, "utf8")).includes("listening on"), READY_DEADLINE_MS);
  return {
    end: async () => {
      await server.end();
      return (await readFile(server.logFile, "utf8")).split("\n").filter((line) => /^\d\d:\d\d:\d\d\.\d+ /.test(line));
    },
  };
}
