import type { ChildProcess } from "node:child_process";
import { attemptsCommand, eachAttempt } from "../../netns/lab/attempts.ts";
import { endProcess } from "../../netns/lab/namespaces.ts";
import { ADDRESSES, PodLab } from "../../netns/lab/pod-lab.ts";
import type { Tally } from "./tally.ts";

const WHERE = "pod";
const SETTINGS = { mode: "pod", node: ADDRESSES.node, own: ADDRESSES.pod, device: "eth0", port: 15_008, paths: [], abstract: [] } as const;

/** The attempts in a pod, first with a sidecar, then some without one. */
export async function attemptInPod(tally: Tally): Promise<void> {
  const lab = await PodLab.open();
  try {
    await lab.proveCounters();
    lab.applyRules();
    const capture = startCapture(lab);
    const sidecar = await lab.startSidecar();
    await attemptAll(lab, tally);
    checkDestinations(lab, tally);
    await endProcess(sidecar);
    tryWithoutSidecar(lab, tally);
    checkInbound(lab, tally);
    const captured = await endCapture(capture);
    tally.leaked(WHERE, `all attempts, as a raw socket on the node saw them (${captured.join(" | ")})`, captured.length);
  } finally {
    await lab.close();
  }
}

async function attemptAll(lab: PodLab, tally: Tally): Promise<void> {
  const rules = lab.rules();
  tally.expect(rules.differences.length === 0, `${WHERE}: the rules differ from the plan: ${rules.differences.join("; ")}`);
  let before = lab.leaks();
  const agent = lab.startAgent(attemptsCommand(SETTINGS));
  if (agent.stdin === null || agent.stdout === null) throw new Error("the agent has no pipes");
  for await (const attempt of eachAttempt(agent.stdin, agent.stdout)) {
    tally.attempt(WHERE, attempt);
    const now = lab.leaks();
    tally.leaked(WHERE, attempt.name, now.fromPod - before.fromPod + (now.outside - before.outside));
    before = now;
    tally.expect(lab.rules().fingerprint === rules.fingerprint, `${WHERE}: the rules are others after ${attempt.name}`);
  }
  const slipped = lab.rules().counters.get("last_gate: leak");
  tally.expect(slipped === 0, `${WHERE}: ${slipped} packets came as far as the last gate`);
}

/** What arrived at the proxy was tagged with this pod's token, and came from this pod. */
function checkDestinations(lab: PodLab, tally: Tally): void {
  tally.expect(lab.preambles.length > 0, `${WHERE}: nothing was relayed`);
  for (const { token, source } of lab.preambles) {
    tally.expect(token === "pod.token.signature" && (Object.values(ADDRESSES.pod) as string[]).includes(source.address), `${WHERE}: a connection of ${source.address} with token ${token}`);
  }
}

function tryWithoutSidecar(lab: PodLab, tally: Tally): void {
  const before = lab.leaks();
  const startedAtMs = performance.now();
  for (const to of ["93.184.216.34", "2606:2800:220:1::1"]) {
    const outcome = python(lab, `socket.create_connection(("${to}", 443), 2)`);
    tally.attempt(WHERE, { name: `sidecar down, ${to}`, expect: "ECONNREFUSED", outcome, ok: outcome === "ECONNREFUSED" });
  }
  const now = lab.leaks();
  tally.leaked(WHERE, "the sidecar's absence", now.fromPod - before.fromPod + (now.outside - before.outside));
  tally.expect(performance.now() - startedAtMs < 2_000, `${WHERE}: without a sidecar a connection hangs instead of being refused`);
}

/** Inbound is egress too, by its replies: the node may come in (probes), the world outside may not. */
function checkInbound(lab: PodLab, tally: Tally): void {
  const server = lab.start(lab.pod, ["python3", "-c", `
import socket
s = socket.create_server(("::", 8080), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    c, _ = s.accept(); c.sendall(b"probe answered"); c.close()`]);
  lab.pod.run("sh", "-c", "for i in $(seq 50); do grep -q ':1F90 ' /proc/net/tcp6 && exit 0; sleep 0.1; done; exit 1");
  for (const to of Object.values(ADDRESSES.pod)) {
    const fetch = `print(socket.create_connection(("${to}", 8080), 1).recv(50).decode())`;
    tally.expect(lab.node.run("python3", "-c", `import socket; ${fetch}`).includes("probe answered"), `${WHERE}: the node's probe to ${to} is not answered`);
    const refused = lab.outside.run("python3", "-c", `import socket\ntry:\n  ${fetch}\nexcept OSError as e:\n  print("refused", e)`);
    tally.expect(refused.includes("refused"), `${WHERE}: the world outside came in at ${to}`);
  }
  server.kill("SIGKILL");
}

function python(lab: PodLab, statement: string): string {
  return lab.pod.run("python3", "-c", `import socket, errno\ntry:\n  ${statement}\n  print("connected")\nexcept OSError as e:\n  print(errno.errorcode.get(e.errno, str(e)))`).trim();
}

/** A second witness beside the counters of nftables: a packet socket on the node's end of the cable. */
function startCapture(lab: PodLab): ChildProcess {
  // Multicast listener reports have a hop-by-hop header before ICMPv6.
  const reports = "(ip6[6] == 0 and ip6[40] == 58 and dst host ff02::16)";
  const expected = `arp or icmp6 or ${reports} or (tcp and dst port 15008) or (tcp and src port 8080)`;
  return lab.start(lab.node, ["tcpdump", "-Z", "root", "-i", "pod0", "-Q", "in", "-n", "-l", "--immediate-mode", `not (${expected})`], "pipe");
}

async function endCapture(capture: ChildProcess): Promise<string[]> {
  let text = "";
  capture.stdout?.on("data", (chunk: Buffer) => { text += chunk.toString(); });
  await endProcess(capture, "SIGTERM");
  return text.split("\n").filter((line) => line !== "");
}
