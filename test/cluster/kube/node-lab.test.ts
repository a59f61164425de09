import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../common/config.ts";
import { findKubernetes, obtainKubernetes } from "../../../tools/kubernetes.ts";
import { LAB_PROGRAMS, NODE_IMAGE, startNodeLab, type NodeLab } from "../../support/kube/node-lab.ts";

const environment = readEnvironment();
const isRequired = environment["WEIR_TIER"] === "cluster";
const isRoot = process.getuid?.() === 0;
const hasCommands = ["/usr/bin/containerd", "/usr/sbin/runc", "/usr/lib/cni/bridge", "/bin/busybox", "/usr/sbin/nft"].every((path) => existsSync(path));
const programs = isRequired ? await obtainKubernetes(environment, () => {}, LAB_PROGRAMS) : await findKubernetes(environment, LAB_PROGRAMS);
const canRun = programs !== null && isRoot && (hasCommands || isRequired);

const POLL = { timeout: 30_000, interval: 200 };
const container = (name: string, script: string) => ({ name, image: NODE_IMAGE, imagePullPolicy: "Never", command: ["node", "-e", script] });
/** Answers a connection with the address that it comes from. */
const WHO_ASKS = "require('node:http').createServer((request, response) => response.end(request.socket.remoteAddress.replace('::ffff:', ''))).listen(8080)";
/** Says `open` if a connection is accepted within two seconds. */
const DIAL = "const [host, port] = process.argv.slice(-2); const say = (text) => { process.stdout.write(text); process.exit(); };"
  + "require('node:net').connect(port, host).once('connect', () => say('open')).once('error', () => say('shut')).setTimeout(2000, () => say('silent'))";
const pod = (name: string, spec: object, labels = {}) => ({ apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec: { terminationGracePeriodSeconds: 1, ...spec } });

/** What the lab has of the machine, apart from its folder. */
function traces(lab: NodeLab): string[] {
  const { interfaceName, cgroup } = lab.addresses;
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      return command.includes(lab.folder) ? [command] : [];
    } catch {
      return [];
    }
  });
  const groups = readdirSync("/sys/fs/cgroup").map((hierarchy) => `/sys/fs/cgroup/${hierarchy}/${cgroup}`).filter((path) => existsSync(path));
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n").filter((line) => line.includes(lab.folder));
  return [...processes, ...groups, ...mounts, ...Object.keys(networkInterfaces()).filter((name) => name === interfaceName)];
}

const machineSettings = () => ["vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward", "net/netfilter/nf_conntrack_max", "fs/inotify/max_user_instances"]
  .map((name) => (existsSync(`/proc/sys/${name}`) ? readFileSync(`/proc/sys/${name}`, "utf8") : ""));

describe.skipIf(!canRun)("a real node (root, containerd, runc and CNI plug-ins; npm run verify:cluster builds the rest)", () => {
  let lab: NodeLab;
  const settingsBefore = machineSettings();
  beforeAll(async () => { lab = await startNodeLab(); });
  afterAll(async () => { await lab?.stop(); });

  const apply = async (...items: object[]) => lab.kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  const ready = async (name: string) => lab.kubectl(["wait", "--for=condition=Ready", `pod/${name}`, "--timeout=60s"]);
  const inPod = async (name: string, inContainer: string, ...argv: string[]) => lab.kubectl(["exec", name, "-c", inContainer, "--", ...argv]);

  test("runs a pod's init container with NET_ADMIN, then its sidecar, then its app, which is captured and keeps no right", async () => {
    const rules = "table inet try { chain out { type nat hook output priority -100; tcp dport 443 meta skuid != 64000 redirect to :15001; }; }";
    await apply(pod("captured", {
      initContainers: [
        {
          ...container("rules", ""), command: ["nft", rules],
          securityContext: { capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] } },
        },
        {
          ...container("sidecar", "require('node:net').createServer((socket) => socket.end('captured')).listen(15001)"), restartPolicy: "Always",
          startupProbe: { tcpSocket: { port: 15001 }, periodSeconds: 1 }, volumeMounts: [{ name: "identity", mountPath: "/identity" }],
          securityContext: { runAsUser: 64000, runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        },
      ],
      containers: [container("app", "setInterval(() => {}, 1000)")],
      volumes: [{ name: "identity", projected: { sources: [{ serviceAccountToken: { audience: "weir-proxy", expirationSeconds: 600, path: "token" } }] } }],
    }));
    await ready("captured");
    const dial = "require('node:net').connect(443, '192.0.2.7').on('data', (data) => console.log(String(data)))";
    expect(await inPod("captured", "app", "node", "-e", dial)).toBe("captured\n");
    await expect(inPod("captured", "app", "nft", "list", "ruleset")).rejects.toThrow("Operation not permitted");
    const { body } = await lab.call("GET", "/api/v1/namespaces/default/pods/captured");
    const { uid } = body["metadata"] as { uid: string };
    expect(decodeJwt(await inPod("captured", "sidecar", "cat", "/identity/token")))
      .toMatchObject({ aud: ["weir-proxy"], "kubernetes.io": { pod: { name: "captured", uid }, node: { name: lab.nodeName } } });
  });

  test("shows a service with a local endpoint the address of the pod that asks", async () => {
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "who" }, spec: { selector: { app: "who" }, internalTrafficPolicy: "Local", ports: [{ port: 80, targetPort: 8080 }] } };
    await apply(service, pod("who", { containers: [{ ...container("app", WHO_ASKS), readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } }] }, { app: "who" }), pod("asks", { containers: [container("app", "setInterval(() => {}, 1000)")] }));
    await Promise.all([ready("who"), ready("asks")]);
    const address = (await lab.kubectl(["get", "service", "who", "-o", "jsonpath={.spec.clusterIP}"])).trim();
    const own = (await lab.kubectl(["get", "pod", "asks", "-o", "jsonpath={.status.podIP}"])).trim();
    await expect.poll(async () => inPod("asks", "app", "wget", "-qO-", `http://${address}`).catch(() => ""), POLL).toBe(own);
  });

  test("lets a pod that a NetworkPolicy selects reach what it names, and nothing else", async () => {
    const target = (name: string) => pod(name, { containers: [{ ...container("app", WHO_ASKS), readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } }] }, { app: name });
    const only = { podSelector: { matchLabels: { app: "allowed" } } };
    const policy = {
      apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: "only-allowed" },
      spec: { podSelector: { matchLabels: { app: "confined" } }, policyTypes: ["Egress"], egress: [{ to: [only], ports: [{ protocol: "TCP", port: 8080 }] }] },
    };
    await apply(policy, target("allowed"), target("other"), ...["confined", "free"].map((name) => pod(name, { containers: [container("app", "setInterval(() => {}, 1000)")] }, { app: name })));
    await Promise.all(["allowed", "other", "confined", "free"].map(ready));
    const address = async (name: string) => (await lab.kubectl(["get", "pod", name, "-o", "jsonpath={.status.podIP}"])).trim();
    const reaches = async (from: string, host: string, port = 8080) => await inPod(from, "app", "node", "-e", DIAL, host, String(port)) === "open";
    const [allowed, other] = [await address("allowed"), await address("other")];
    const world = createServer(() => {}).listen(0, lab.addresses.world);
    await once(world, "listening");
    const worldPort = (world.address() as AddressInfo).port;
    const all = async (from: string) => Promise.all([reaches(from, allowed), reaches(from, other), reaches(from, lab.addresses.node, 6443), reaches(from, lab.addresses.world, worldPort)]);
    await expect.poll(async () => all("free"), POLL).toEqual([true, true, true, true]);
    expect(await all("confined")).toEqual([true, false, false, false]);
    await lab.kubectl(["delete", "networkpolicy", "only-allowed"]);
    await expect.poll(async () => all("confined"), POLL).toEqual([true, true, true, true]);
    world.close();
  });

  test("gives a claim a folder that outlives the pod, to any user", async () => {
    const claim = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "work" }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } };
    const worker = (name: string) => pod(name, {
      securityContext: { runAsUser: 1000 }, volumes: [{ name: "work", persistentVolumeClaim: { claimName: "work" } }],
      containers: [{ ...container("app", "setInterval(() => {}, 1000)"), volumeMounts: [{ name: "work", mountPath: "/work" }] }],
    });
    await apply(claim, worker("first"));
    await ready("first");
    await inPod("first", "app", "sh", "-c", "echo kept > /work/file");
    await lab.kubectl(["delete", "pod", "first", "--timeout=30s"]);
    await apply(worker("second"));
    await ready("second");
    expect(await inPod("second", "app", "cat", "/work/file")).toBe("kept\n");
  });

  test("reaches the servers of a test, which stand for the world", async () => {
    await apply(pod("outward", { containers: [container("app", "setInterval(() => {}, 1000)")] }));
    await ready("outward");
    const server = createHttpServer((_, response) => { response.end("the world"); }).listen(0, lab.addresses.world);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    expect(await inPod("outward", "app", "wget", "-qO-", `http://${lab.addresses.world}:${port}`)).toBe("the world");
    server.close();
  });

  test("leaves nothing behind, and changed no setting of the machine", async () => {
    expect(traces(lab)).not.toEqual([]);
    expect(machineSettings()).toEqual(settingsBefore);
    await lab.stop();
    expect(traces(lab)).toEqual([]);
    expect(existsSync(lab.folder)).toBe(false);
  });
});

describe.skipIf(!canRun)("a node whose test was killed", () => {
  test("ends with it, and the next one clears what is left", async () => {
    const script = `const { startNodeLab } = await import("${new URL("../../support/kube/node-lab.ts", import.meta.url).href}"); const { folder, addresses } = await startNodeLab(); console.log(JSON.stringify({ folder, addresses }));`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(child.stdout, "data") as [Buffer];
    const killed = JSON.parse(line.toString()) as NodeLab;
    expect(traces(killed)).not.toEqual([]);
    child.kill("SIGKILL");
    const alive = () => traces(killed).filter((trace) => !trace.startsWith("/sys/fs/cgroup/"));
    await expect.poll(alive, POLL).toEqual([]);
    const next = await startNodeLab();
    expect(existsSync(killed.folder)).toBe(false);
    await next.stop();
    expect(traces(killed)).toEqual([]);
  });
});
