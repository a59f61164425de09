import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import type { Preamble } from "../../../../common/preamble.ts";
import { newPrivateKey, selfSignedCa } from "../../../../common/tls/ca.ts";
import { governPod } from "../../../../controller/pods/govern-pod.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { BOUNDARY_IMAGES, buildBoundaryImages } from "../../../support/kube/boundary-images.ts";
import { LAB_PROGRAMS, NODE_IMAGE, startNodeLab, type NodeLab } from "../../../support/kube/node-lab.ts";
import { aGovernance, aPod, POD_SETTINGS } from "../../../support/pods.ts";

const environment = readEnvironment();
const isRequired = environment["WEIR_TIER"] === "cluster";
const programs = isRequired ? await obtainKubernetes(environment, () => {}, LAB_PROGRAMS) : await findKubernetes(environment, LAB_PROGRAMS);
const canRun = programs !== null && process.getuid?.() === 0 && (existsSync("/usr/bin/containerd") || isRequired);

const OUTSIDE = "93.184.216.34";
const POLL = { timeout: 30_000, interval: 200 };
const sleeper = (name: string) => ({ name, image: NODE_IMAGE, imagePullPolicy: "Never", command: ["node", "-e", "setInterval(() => {}, 1000)"] });
/** Prints the answer to a connection, or why there is none. */
const DIAL = "const [host, port] = process.argv.slice(-2); const say = (text) => { process.stdout.write(String(text).trim()); process.exit(); };"
  + "require('node:net').connect(port, host).once('data', say).once('error', (error) => say(error.code)).setTimeout(3000, () => say('silent'))";

/** Init, native sidecar and startup probe by a real kubelet, runc and kernel; in place of the node proxy, somebody who says what they were told. */
describe.skipIf(!canRun)("a governed pod on a real node (root, containerd; npm run verify:cluster builds the rest)", () => {
  let lab: NodeLab;
  let proxyAddress: string;
  const governed = (name: string, changes: { redirect?: "init" | "node"; identities?: readonly string[] } = {}) => {
    const { redirect = "init", identities = [] } = changes;
    const caPem = selfSignedCa("Test CA", newPrivateKey(), { nowMs: Date.now(), lifetimeMs: 86_400_000 });
    const settings = { ...POD_SETTINGS, images: { ...BOUNDARY_IMAGES, pullPolicy: "Never" as const }, proxy: { addresses: [proxyAddress], port: 15_008 }, caPem, redirect, tokenLifetimeSeconds: 600 };
    // Links would tell containers of the service beside them, WEIR_PROXY_PORT among them: an installation has a namespace of its own.
    // Beside a container that is known by its user it must say its own; root, because that is who tries the most.
    const agent = { ...sleeper("agent"), securityContext: { runAsUser: 0 } };
    const pod = aPod({ terminationGracePeriodSeconds: 1, enableServiceLinks: false, containers: [agent, ...identities.map(sleeper)] }, { name, namespace: "default" });
    const result = governPod(pod, aGovernance({ settings, identities }));
    if (result.kind === "refused") throw new Error(result.problems.join("\n"));
    return result.pod;
  };
  const apply = async (...items: object[]) => lab.kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  const ready = async (name: string) => lab.kubectl(["wait", "--for=condition=Ready", `pod/${name}`, "--timeout=60s"]);
  const inPod = async (name: string, container: string, ...argv: string[]) => lab.kubectl(["exec", name, "-c", container, "--", ...argv]);
  const dial = async (container: string, host: string, port: number, name = "app") => inPod(name, container, "node", "-e", DIAL, host, String(port));
  const preambles = async () => (await lab.kubectl(["logs", "recorder"])).split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Preamble);
  const arrived = async (port: number) => vi.waitUntil(async () => (await preambles()).find(({ destination }) => destination.port === port), POLL);

  beforeAll(async () => {
    lab = await startNodeLab();
    await buildBoundaryImages(lab);
    const recorder = { name: "recorder", image: BOUNDARY_IMAGES.recorder, imagePullPolicy: "Never", args: ["15008", "0.0.0.0"], readinessProbe: { tcpSocket: { port: 15_008 }, periodSeconds: 1 } };
    await apply(
      { apiVersion: "v1", kind: "Service", metadata: { name: "weir-proxy" }, spec: { selector: { app: "recorder" }, internalTrafficPolicy: "Local", ports: [{ port: 15_008 }] } },
      { apiVersion: "v1", kind: "Pod", metadata: { name: "recorder", labels: { app: "recorder" } }, spec: { terminationGracePeriodSeconds: 1, containers: [recorder] } },
    );
    await ready("recorder");
    proxyAddress = (await lab.kubectl(["get", "service", "weir-proxy", "-o", "jsonpath={.spec.clusterIP}"])).trim();
    await apply(governed("app", { identities: ["shell"] }));
    await ready("app");
  });
  afterAll(async () => lab?.stop());

  test("sends every connection to the proxy with the pod's token, and names the container that has an identity of its own", async () => {
    expect(await dial("agent", OUTSIDE, 443)).toBe(`relayed ${OUTSIDE} 443`);
    expect(await dial("shell", OUTSIDE, 444)).toBe(`relayed ${OUTSIDE} 444`);
    const [agent, shell] = [await arrived(443), await arrived(444)];
    expect([agent.container, shell.container]).toEqual([null, "shell"]);
    expect(agent.token.split(".")).toHaveLength(3);
    expect(shell.token).toBe(agent.token);
  });

  test("lets its agent be root without letting it out, or letting it be somebody else", async () => {
    expect(await inPod("app", "agent", "id", "-u")).toBe("0\n");
    expect(await inPod("app", "agent", "node", "-e", "try { process.setuid(64100); console.log('became') } catch (error) { console.log(error.code) }")).toBe("EPERM\n");
    await expect(inPod("app", "agent", "nft", "flush", "ruleset")).rejects.toThrow("Operation not permitted");
    expect(await dial("agent", proxyAddress, 15_008)).toBe(`relayed ${proxyAddress} 15008`);
    expect((await arrived(15_008)).container).toBeNull();
    for (const port of [15_001, 15_002]) expect(await dial("agent", "127.0.0.1", port)).toMatch(/ECONNRE(SET|FUSED)/);
    expect(await inPod("app", "shell", "id", "-u")).toBe("64100\n");
    expect(await dial("shell", "127.0.0.1", 15_001)).toBe("ECONNREFUSED");
  });

  test("keeps the token in the sidecar", async () => {
    expect(await inPod("app", "weir-sidecar", "/usr/local/bin/node", "-p", "fs.readFileSync('/var/run/weir/identity/token', 'utf8').split('.').length")).toBe("3\n");
    for (const container of ["agent", "shell"]) await expect(inPod("app", container, "ls", "/var/run/weir", "/var/run/secrets")).rejects.toThrow(/No such file/);
  });

  test("is made to trust the boundary, the system's bundle included", async () => {
    const count = "const count = (path) => fs.readFileSync(path, 'utf8').split('BEGIN CERTIFICATE').length - 1; console.log(count(process.argv[1]), count('/etc/ssl/certs/ca-certificates.crt') > 100)";
    expect(await inPod("app", "agent", "sh", "-c", 'node -e "$0" "$NODE_EXTRA_CA_CERTS"', count)).toBe("1 true\n");
    await expect(inPod("app", "agent", "touch", "/weir/trust/ca.crt")).rejects.toThrow(/Read-only/);
  });

  test("has no egress while its sidecar is away, and has it again when the kubelet has started another", async () => {
    const restarts = async () => lab.kubectl(["get", "pod", "app", "-o", "jsonpath={.status.initContainerStatuses[1].restartCount}"]);
    expect(await restarts()).toBe("0");
    await inPod("app", "weir-sidecar", "/usr/local/bin/node", "-e", "process.kill(1, 'SIGTERM')");
    await expect.poll(restarts, POLL).toBe("1");
    await expect.poll(async () => dial("agent", OUTSIDE, 445), POLL).toBe(`relayed ${OUTSIDE} 445`);
  });

  test("does not start its agent where the node is to write the rules and nobody does", async () => {
    await apply(governed("waiting", { redirect: "node" }));
    const state = async () => JSON.parse(await lab.kubectl(["get", "pod", "waiting", "-o", "json"])) as { status: { initContainerStatuses?: { state: object; started?: boolean }[]; containerStatuses?: { state: object }[] } };
    await expect.poll(async () => (await state()).status.initContainerStatuses?.[1]?.state, POLL).toHaveProperty("running");
    const { status } = await state();
    expect([status.initContainerStatuses?.[1]?.started, status.containerStatuses?.[0]?.state]).toEqual([false, { waiting: { reason: "PodInitializing" } }]);
  });
});
