import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run as command } from "../command.ts";
import { startServer, type ServerProcess } from "../server-process.ts";
import { LABS_LIMIT, labAddresses, type LabAddresses } from "./addresses.ts";

/**
 * The network, mount and process namespaces of a node. All that runs there ends with the first process, and with all of them the namespaces,
 * their interfaces and their mounts: nothing has to be taken down piece by piece.
 */
export interface LabNamespaces {
  readonly addresses: LabAddresses;
  /** Command line in front of a program that shall run in the network namespace alone, e.g. the control plane. */
  readonly network: readonly string[];
  /** In front of a program of the node: sees its mounts and processes, too. */
  readonly node: readonly string[];
  /** Runs a command in the network namespace. @throws Error with what it printed */
  run(argv: readonly string[], stdin?: string): Promise<string>;
  end(): Promise<void>;
}

const START_DEADLINE_MS = 10_000;

/**
 * Settings that the kubelet wants and that hold for the whole machine. It finds them as it wants them, in files that hide the real ones, and
 * so leaves these alone.
 */
const HIDDEN_SETTINGS = { "vm/overcommit_memory": "1", "kernel/panic": "10", "kernel/panic_on_oops": "1", "kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000" };

/** @param folder of the lab; not below /run, /var/lib or /var/log, which the node has of its own */
export async function openNamespaces(folder: string): Promise<LabNamespaces> {
  const script = join(folder, "namespaces.sh");
  await prepareHiddenFolders(folder);
  await writeFile(script, nodeScript(folder));
  const first = startServer("unshare", ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation=private", "sh", script], join(folder, "namespaces.log"));
  try {
    await first.ready(async () => (await readFile(join(folder, "namespaces.ready"), "utf8")) === "yes\n", START_DEADLINE_MS);
    const pid = (await readFile(`/proc/${first.pid}/task/${first.pid}/children`, "utf8")).trim();
    const network = ["nsenter", `--net=/proc/${pid}/ns/net`, "--"];
    const run = async (argv: readonly string[], stdin?: string) => command([...network, ...argv], stdin === undefined ? {} : { stdin });
    const addresses = await link(pid, run);
    return { addresses, network, node: ["nsenter", `--target=${pid}`, "--mount", "--net", "--pid", "--"], run, end: async () => endFirst(first) };
  } catch (error) {
    await endFirst(first);
    throw error;
  }
}

async function prepareHiddenFolders(folder: string): Promise<void> {
  for (const name of ["var-lib/kubelet", "var-log", ...Object.keys(HIDDEN_SETTINGS).map((setting) => join("settings", setting, ".."))]) await mkdir(join(folder, name), { recursive: true });
  await Promise.all(Object.entries(HIDDEN_SETTINGS).map(async ([name, value]) => writeFile(join(folder, "settings", name), `${value}\n`)));
}

/** The first process stays to reap what the others leave behind. Mounts of pods must spread between node and containers, hence shared. */
function nodeScript(folder: string): string {
  const hidden = Object.keys(HIDDEN_SETTINGS).map((name) => `mount --bind ${folder}/settings/${name} /proc/sys/${name}`);
  return [
    "set -e",
    "mount --make-rshared /",
    "mount -t tmpfs -o mode=755 tmpfs /run",
    `mount --bind ${folder}/var-lib /var/lib`,
    `mount --bind ${folder}/var-log /var/log`,
    ...hidden,
    "ip link set lo up",
    `echo yes > ${folder}/namespaces.ready`,
    "while :; do sleep 3600; done",
  ].join("\n");
}

/** Takes the first number that is free, and connects the namespace to this machine. */
async function link(pid: string, run: LabNamespaces["run"]): Promise<LabAddresses> {
  for (let number = 0; number < LABS_LIMIT; number += 1) {
    const addresses = labAddresses(number);
    const { interfaceName, inside, outside, world, node, services, all } = addresses;
    // Whoever makes the interface has the number.
    const isOurs = await command(["ip", "link", "add", interfaceName, "type", "veth", "peer", "name", "link0", "netns", pid]).then(() => true, () => false);
    if (!isOurs) continue;
    for (const args of [["addr", "add", `${outside}/30`, "dev", interfaceName], ["addr", "add", `${world}/32`, "dev", interfaceName],
      ["link", "set", interfaceName, "up"], ["route", "add", all, "via", inside]]) await command(["ip", ...args]);
    for (const args of [["addr", "add", `${inside}/30`, "dev", "link0"], ["link", "set", "link0", "up"], ["addr", "add", `${node}/32`, "dev", "lo"],
      ["route", "add", services, "dev", "lo"], ["route", "add", "203.0.113.0/24", "via", outside]]) await run(["ip", ...args]);
    await run(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1", "net.bridge.bridge-nf-call-ip6tables=1"]);
    return addresses;
  }
  throw new Error(`${LABS_LIMIT} labs run already`);
}

/** `unshare` takes the first process with it, and the kernel takes the rest. */
async function endFirst(first: ServerProcess): Promise<void> {
  await first.kill();
}
