import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SIDECAR_NODE_FLAGS } from "../../../common/sidecar-flags.ts";
import type { Preamble } from "../../../common/preamble.ts";
import { rulesConfig, type RulesConfig } from "../../../init/config.ts";
import { readBack, type LoadedRules } from "../../../init/read-back.ts";
import { planRules } from "../../../init/rules.ts";
import { endProcess, LAB_ENVIRONMENT, openNamespace, type Namespace } from "./namespaces.ts";

export const ADDRESSES = {
  node: { 4: "10.78.0.1", 6: "fd78::1" },
  pod: { 4: "10.78.0.2", 6: "fd78::2" },
} as const;
const PROXY_PORT = 15_008;
const CONTROL_DEADLINE_MS = 5_000;
const POLL_MS = 20;
const WITHOUT_RIGHTS = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs"];
const source = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const SETTINGS = { mode: "pod", nodeAddresses: [ADDRESSES.node[4], ADDRESSES.node[6]], inboundFrom: [ADDRESSES.node[4], ADDRESSES.node[6]] };

/**
 * What a pod is to a network: a namespace with one cable to its node, and a node that forwards whatever it gets to a world outside, in
 * which every address exists. A packet that the rules let slip would arrive, and be counted on the way.
 */
export class PodLab {
  readonly node: Namespace;
  readonly pod: Namespace;
  readonly outside: Namespace;
  readonly preambles: Preamble[] = [];
  /** How the agent ended connections to port 7002. */
  readonly ends: string[] = [];
  /** For files of a test; removed with the lab. */
  readonly folder = mkdtempSync(join(tmpdir(), "weir-lab-"));
  #config: RulesConfig = rulesConfig.parse(SETTINGS);
  readonly #children: ChildProcess[] = [];

  private constructor(node: Namespace, pod: Namespace, outside: Namespace) {
    this.node = node;
    this.pod = pod;
    this.outside = outside;
  }

  /** @param options without the recorder, which stands in for the proxy, the test starts a proxy on the node by itself */
  static async open({ hasRecorder = true } = {}): Promise<PodLab> {
    const node = await openNamespace("node");
    const lab = new PodLab(node, await openNamespace("pod", node), await openNamespace("outside", node));
    try {
      lab.#cable();
      if (hasRecorder) await lab.#startRecorder();
      return lab;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  /** Runs the init program in the pod, as its init container would. @param settings on top of the lab's own */
  applyRules(settings: Partial<Record<"containers" | "inbound", string>> & { readonly sidecarUid?: number } = {}): void {
    this.#config = rulesConfig.parse({ ...SETTINGS, ...settings });
    const flags = Object.entries({ ...SETTINGS, ...settings }).map(([name, value]) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}=${String(value)}`);
    this.pod.run(process.execPath, source("init/main.ts"), ...flags);
  }

  /** Somebody else writes the rules, by these settings alone. */
  expectRules(settings: Readonly<Record<string, unknown>>): void {
    this.#config = rulesConfig.parse({ mode: "pod", nodeAddresses: SETTINGS.nodeAddresses, ...settings });
  }

  /** What the pod's kernel holds now. */
  rules(): LoadedRules {
    return readBack(this.pod.run("nft", "-j", "list", "table", "inet", "weir"), planRules(this.#config));
  }

  /** @param flags of the sidecar, on top of the necessary ones */
  async startSidecar(...flags: string[]): Promise<ChildProcess> {
    return this.startSidecarProgram(source("sidecar/main.ts"), ...flags);
  }

  /** The words to start a program in the pod as this user, who may become nobody else: a container without CAP_SETUID and CAP_SETGID. Needs root. */
  asUser(uid: number): readonly string[] {
    return ["setpriv", "--reuid", String(uid), "--regid", String(uid), "--clear-groups", ...WITHOUT_RIGHTS.slice(1), "--"];
  }

  /** @param program the sidecar as a source or as a bundle */
  async startSidecarProgram(program: string, ...flags: string[]): Promise<ChildProcess> {
    const sidecar = this.launchSidecar(program, ...flags);
    for await (const chunk of sidecar.stderr ?? []) if (String(chunk).includes("sidecar.ready")) break;
    return sidecar;
  }

  /** Does not wait until it is ready. */
  launchSidecar(program: string, ...flags: string[]): ChildProcess {
    const tokenFile = join(this.folder, "token");
    writeFileSync(tokenFile, "pod.token.signature");
    const user = this.#config.mode === "pod" && this.#config.sidecarUid !== undefined ? this.asUser(this.#config.sidecarUid) : WITHOUT_RIGHTS;
    if (user !== WITHOUT_RIGHTS) chmodSync(this.folder, 0o755);
    const args = [...SIDECAR_NODE_FLAGS, program, "--proxy", `${ADDRESSES.node[4]}:${PROXY_PORT}`, "--token-file", tokenFile, ...flags];
    return this.start(this.pod, [...user, process.execPath, ...args], "pipe");
  }

  /** Sends a datagram of each family out while there are no rules yet, and waits until both counters have seen it: they would see a leak. */
  async proveCounters(): Promise<void> {
    const before = this.leaks();
    for (const to of ["203.0.113.9", "2001:db8::9"]) {
      this.pod.run("python3", "-c", `import socket; socket.socket(socket.${to.includes(":") ? "AF_INET6" : "AF_INET"}, socket.SOCK_DGRAM).sendto(b"control", ("${to}", 9))`);
    }
    const deadlineMs = performance.now() + CONTROL_DEADLINE_MS;
    for (;;) {
      const { fromPod, outside } = this.leaks();
      if (fromPod >= before.fromPod + 2 && outside >= before.outside + 2) return;
      if (performance.now() > deadlineMs) throw new Error(`the leak counters do not count: ${fromPod} and ${outside}`);
      await wait(POLL_MS);
    }
  }

  /** Starts a program in the pod as a container runtime would: root by name, without any capability, /proc/sys read-only. */
  startAgent(words: readonly string[]): ChildProcess {
    const readOnly = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"';
    return this.start(this.pod, ["unshare", "-m", "--", "sh", "-c", readOnly, "sh", ...WITHOUT_RIGHTS, ...words]);
  }

  /** Starts a program inside; it ends with the lab. */
  start(where: Namespace, words: readonly string[], stderr: "pipe" | "inherit" = "inherit"): ChildProcess {
    const [program = "", ...args] = [...where.enter, ...words];
    const child = spawn(program, args, { stdio: ["pipe", "pipe", stderr], env: LAB_ENVIRONMENT });
    this.#children.push(child);
    return child;
  }

  /** Packets that came from the pod and are not of the tagged connections (nor ARP or neighbour discovery), seen on the node and in the world outside. */
  leaks(): { readonly fromPod: number; readonly outside: number } {
    return { fromPod: counter(this.node.run("nft", "-j", "list", "table", "netdev", "lab")), outside: counter(this.outside.run("nft", "-j", "list", "table", "inet", "lab")) };
  }

  async close(): Promise<void> {
    for (const child of this.#children) await endProcess(child);
    for (const namespace of [this.pod, this.outside, this.node]) await namespace.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #cable(): void {
    const { node, pod, outside } = this;
    for (const [link, end] of [["pod0", pod], ["out0", outside]] as const) node.run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", String(end.pid));
    address(node, "pod0", "10.78.0.1/24", "fd78::1/64");
    address(node, "out0", "10.78.1.1/24", "fd78:1::1/64");
    address(pod, "eth0", "10.78.0.2/24", "fd78::2/64");
    address(outside, "eth0", "10.78.1.2/24", "fd78:1::2/64");
    defaultRoute(pod, ADDRESSES.node[4], ADDRESSES.node[6]);
    defaultRoute(node, "10.78.1.2", "fd78:1::2");
    defaultRoute(outside, "10.78.1.1", "fd78:1::1");
    node.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet");
    // As container runtimes set it: ping without rights.
    pod.run("sh", "-c", "echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range || echo 0 0 > /proc/sys/net/ipv4/ping_group_range");
    // Every address of the world is here, so that a leaked SYN would even be answered.
    outside.run("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "local");
    outside.run("ip", "-6", "route", "add", "local", "::/0", "dev", "lo", "table", "local");
    load(node, COUNT_FROM_POD);
    load(outside, COUNT_OUTSIDE);
  }

  async #startRecorder(): Promise<void> {
    const recorder = this.start(this.node, [process.execPath, source("test/netns/lab/recorder-program.ts"), String(PROXY_PORT), ADDRESSES.node[4], ADDRESSES.node[6]]);
    let rest = "";
    const listening = Promise.withResolvers<void>();
    recorder.stdout?.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "listening") listening.resolve();
        else if (line.startsWith("end ")) this.ends.push(line.slice("end ".length));
        else this.preambles.push(JSON.parse(line) as Preamble);
      }
    });
    void once(recorder, "exit").then(() => { listening.reject(new Error("the recorder ended")); });
    await listening.promise;
  }
}

const NEIGHBOURS = "{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report }";

/** Before anything else on the node looks at a packet, whatever its kind. */
const COUNT_FROM_POD = `table netdev lab {
  chain from_pod {
    type filter hook ingress device "pod0" priority -500; policy accept;
    ether type arp accept
    ip daddr ${ADDRESSES.node[4]} tcp dport ${PROXY_PORT} accept
    ip6 daddr ${ADDRESSES.node[6]} tcp dport ${PROXY_PORT} accept
    ip daddr ${ADDRESSES.node[4]} tcp sport 8080 accept comment "answers to the node's own probe"
    ip6 daddr ${ADDRESSES.node[6]} tcp sport 8080 accept
    icmpv6 type ${NEIGHBOURS} accept
    counter comment "leak"
  }
}`;

const COUNT_OUTSIDE = `table inet lab {
  chain arrived {
    type filter hook prerouting priority -500; policy accept;
    iifname != "eth0" accept
    ip saddr 10.78.1.1 accept comment "the node itself"
    icmpv6 type ${NEIGHBOURS} accept
    counter comment "leak"
  }
}`;

function address(where: Namespace, device: string, v4: string, v6: string): void {
  where.run("ip", "link", "set", "lo", "up");
  where.run("ip", "link", "set", device, "up");
  where.run("ip", "address", "add", v4, "dev", device);
  where.run("ip", "-6", "address", "add", v6, "dev", device, "nodad");
}

function defaultRoute(where: Namespace, v4: string, v6: string): void {
  where.run("ip", "route", "add", "default", "via", v4);
  where.run("ip", "-6", "route", "add", "default", "via", v6);
}

function load(where: Namespace, rules: string): void {
  where.run("sh", "-c", `nft -f - <<'RULES'\n${rules}\nRULES`);
}

function counter(json: string): number {
  const entries = (JSON.parse(json) as { nftables: { rule?: { comment?: string; expr: { counter?: { packets: number } }[] } }[] }).nftables;
  const leak = entries.find(({ rule }) => rule?.comment === "leak")?.rule?.expr.find((part) => part.counter !== undefined);
  if (leak?.counter === undefined) throw new Error("the leak counter is gone");
  return leak.counter.packets;
}
