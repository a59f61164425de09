import type { ChildProcess } from "node:child_process";
import { chownSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../common/config.ts";
import type { KubeObject } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { ANNOTATIONS, FIRST_IDENTITY_UID, LABELS, SIDECAR_UID } from "../../common/labels.ts";
import { nodeConfig } from "../../init/node/config.ts";
import { startNodeRules, type RunningNodeRules } from "../../init/node/main.ts";
import { MemoryKubeApi } from "../support/kube/memory-api.ts";
import { endProcess, openNamespace, type Namespace } from "./lab/namespaces.ts";
import { NamespaceFolder } from "./lab/namespace-folder.ts";
import { ADDRESSES, PodLab } from "./lab/pod-lab.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot && readEnvironment()["CI"] === "1") throw new Error("the agent of a node enters the namespaces of pods: run this tier as root");

const SIDECAR = fileURLToPath(new URL("../../sidecar/main.ts", import.meta.url));
const POLL = { timeout: 30_000, interval: 50 };
const NODE_ADDRESS = "10.79.0.1";
const OTHER = "10.78.0.77";
const NAMED = { [ANNOTATIONS.injected]: "{}" };

/** A governed pod as the kubelet reports it. */
function pod(name: string, addresses: readonly string[], annotations: Readonly<Record<string, string>> = NAMED): KubeObject {
  return {
    metadata: { name, namespace: "agents", labels: { [LABELS.agent]: "coder" }, annotations },
    spec: { nodeName: "node-1" }, status: { phase: "Pending", podIPs: addresses.map((ip) => ({ ip })) },
  };
}

/** A namespace that has these addresses, as a pod beside the one of the lab, or as the node itself. */
async function bare(name: string, ...addresses: readonly string[]): Promise<Namespace> {
  const namespace = await openNamespace(name);
  namespace.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "far");
  for (const device of ["eth0", "far"]) namespace.run("ip", "link", "set", device, "up");
  for (const address of addresses) namespace.run("ip", "address", "add", `${address}/32`, "dev", "eth0");
  return namespace;
}

const tables = (where: Namespace) => where.run("nft", "list", "tables").trim();

/** The agent of a node beside real namespaces; an API in memory says which pods there are. */
describe.runIf(isRoot)("rules by the node", () => {
  const folder = new NamespaceFolder();
  const kube = new MemoryKubeApi();
  const logged: string[] = [];
  const note = (event: string, fields: Record<string, unknown> = {}) => { logged.push(`${event} ${JSON.stringify(fields)}`); };
  const log = { debug: note, info: note, warn: note, error: note };
  let lab: PodLab;
  let other: Namespace;
  let node: Namespace;
  let running: RunningNodeRules;
  let sidecar: ChildProcess;
  let said = "";
  const state = () => join(lab.folder, "state");
  const ready = () => existsSync(join(state(), "ready"));
  /** Why rules were written into a pod, each time. */
  const written = (name: string) => logged.filter((line) => line.startsWith("rules.written") && line.includes(`"pod":"${name}"`)).map((line) => line.match(/"reason":"(\w+)"/)?.[1]);
  const podAddresses = [ADDRESSES.pod[4], ADDRESSES.pod[6]];

  beforeAll(async () => {
    lab = await PodLab.open();
    other = await bare("other", OTHER);
    node = await bare("machine", NODE_ADDRESS, "10.78.0.99");
    for (const [name, where] of Object.entries({ "cni-1": lab.pod, "cni-2": other, "cni-3": node })) folder.add(name, `/proc/${where.pid}/ns/net`);
    folder.addFile("cni-left-over");
    await kube.create(TYPES.services, { metadata: { name: "weir-proxy", namespace: "weir-system" }, spec: { clusterIPs: [ADDRESSES.node[4], ADDRESSES.node[6]], ports: [{ port: 15_008 }] } });
    lab.expectRules({ inbound: "none", sidecarUid: SIDECAR_UID, containers: `shell:${FIRST_IDENTITY_UID}` });
    // A router's word that there is no way must not be taken for rules, not even where one family has none indeed.
    lab.node.run("ip", "route", "add", "throw", "192.0.2.0/24");
    lab.pod.run("ip", "-6", "route", "del", "default");
    mkdirSync(state());
    chownSync(state(), SIDECAR_UID, SIDECAR_UID);
    sidecar = lab.launchSidecar(SIDECAR, "--ready-file", join(state(), "ready"), "--container", "shell=0");
    sidecar.stderr?.on("data", (chunk: Buffer) => { said += chunk.toString(); });
    running = await startNodeRules(nodeConfig.parse({
      nodeName: "node-1", hostAddresses: NODE_ADDRESS, namespacesDirectory: folder.path, verifyIntervalMs: 1_000, lookIntervalMs: 100,
    }), kube, log);
  });
  afterAll(async () => {
    await running?.stop();
    folder.close();
    for (const one of [lab, other, node]) await one?.close();
  });

  const python = (uid: number, script: string) => {
    const [program = "", ...args] = lab.asUser(uid);
    return lab.pod.run(program, ...args, "python3", "-c", `import socket, errno\n${script}`).trim();
  };
  const dial = (port: number) => `try:\n  print(socket.create_connection(("93.184.216.34", ${port}), 5).recv(100).decode())\nexcept OSError as e:\n  print(errno.errorcode[e.errno])`;

  test("the sidecar is not ready, and says why, as long as nobody writes them: what waits for it does not start", async () => {
    await expect.poll(() => said, POLL).toContain("sidecar.not-captured");
    expect([ready(), sidecar.exitCode]).toEqual([false, null]);
    expect(lab.preambles).toEqual([]);
  });

  test("come into the namespace of the pod and into no other, and open the gate", async () => {
    await kube.create(TYPES.pods, pod("plain", podAddresses, {}));
    await kube.create(TYPES.pods, { ...pod("elsewhere", podAddresses), spec: { nodeName: "node-2" } });
    await kube.create(TYPES.pods, pod("app", podAddresses, { ...NAMED, [ANNOTATIONS.identities]: JSON.stringify({ shell: FIRST_IDENTITY_UID }) }));
    await expect.poll(ready, POLL).toBe(true);
    expect(lab.rules().differences).toEqual([]);
    for (const where of [other, node, lab.node, lab.outside]) expect(tables(where)).not.toContain("inet weir");
    await expect.poll(() => written("app"), POLL).toEqual(["first"]);
    expect(written("plain")).toEqual([]);
  });

  test("lead every connection to the proxy, name the container that has an identity, and let nothing else out", async () => {
    expect([python(0, dial(443)), python(FIRST_IDENTITY_UID, dial(444))]).toEqual(["relayed 93.184.216.34 443", "relayed 93.184.216.34 444"]);
    await expect.poll(() => lab.preambles.map(({ destination, container }) => [destination.port, container])).toEqual([[443, null], [444, "shell"]]);
    const leaked = lab.leaks();
    expect(python(0, 's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ntry:\n  s.sendto(b"x", ("93.184.216.34", 9)); s.sendto(b"x", ("93.184.216.34", 9)); print("sent")\nexcept OSError as e:\n  print(errno.errorcode[e.errno])')).toMatch(/EPERM|ECONNREFUSED/);
    expect(lab.leaks()).toEqual(leaked);
  });

  test("cannot be taken away from inside without NET_ADMIN", () => {
    expect(() => lab.pod.run("setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs", "nft", "flush", "ruleset")).toThrow(/Operation not permitted/);
    expect(lab.rules().differences).toEqual([]);
  });

  test("are written again when somebody on the node has changed them", async () => {
    lab.pod.run("nft", "delete", "table", "inet", "weir");
    await expect.poll(() => written("app"), POLL).toEqual(["first", "drift"]);
    expect(lab.rules().differences).toEqual([]);
    lab.pod.run("nft", "insert", "rule", "inet", "weir", "outgoing", "accept");
    await expect.poll(() => written("app"), POLL).toEqual(["first", "drift", "drift"]);
    expect(lab.rules().differences).toEqual([]);
    expect(lab.preambles.filter(({ destination }) => destination.port === 9), "the self-check is nobody's connection").toEqual([]);
  });

  test("follow a pod into another namespace", async () => {
    folder.remove("cni-2");
    await kube.create(TYPES.pods, pod("moving", [OTHER]));
    await expect.poll(() => logged.join("\n"), POLL).toMatch(/rules\.missing.*no network namespace in .* has 10\.78\.0\.77/);
    folder.add("cni-4", `/proc/${other.pid}/ns/net`);
    await expect.poll(() => tables(other), POLL).toContain("inet weir");
    const next = await bare("next", OTHER);
    folder.remove("cni-4");
    folder.add("cni-5", `/proc/${next.pid}/ns/net`);
    await expect.poll(() => tables(next), POLL).toContain("inet weir");
    await next.close();
  });

  test("are never written where the node itself is, nor where two namespaces have the pod's address", async () => {
    await kube.create(TYPES.pods, pod("node-like", ["10.78.0.99"]));
    await expect.poll(() => logged.join("\n"), POLL).toMatch(/rules\.missing.*"pod":"node-like".*the node's own address 10\.79\.0\.1/);
    const twin = await bare("twin", ADDRESSES.node[4], "10.78.0.98");
    const original = await bare("original", "10.78.0.98");
    for (const [name, where] of Object.entries({ "cni-6": twin, "cni-7": original })) folder.add(name, `/proc/${where.pid}/ns/net`);
    await kube.create(TYPES.pods, pod("ambiguous", ["10.78.0.98"]));
    await expect.poll(() => logged.join("\n"), POLL).toMatch(/rules\.missing.*"pod":"ambiguous".*more than one network namespace has 10\.78\.0\.98/);
    for (const where of [node, twin, original]) expect(tables(where)).toBe("");
    for (const where of [twin, original]) await where.close();
  });

  test("stay when the agent of the node ends", async () => {
    await running.stop();
    expect(lab.rules().differences).toEqual([]);
    expect(python(0, dial(445))).toBe("relayed 93.184.216.34 445");
    await endProcess(sidecar);
    expect(python(0, dial(446))).toBe("ECONNREFUSED");
  });
});
