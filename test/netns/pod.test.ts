import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runTool } from "../../init/run-tool.ts";
import { endProcess } from "./lab/namespaces.ts";
import { ADDRESSES, PodLab } from "./lab/pod-lab.ts";

const init = fileURLToPath(new URL("../../init/main.ts", import.meta.url));

/** A pod with a cable to its node; as root in plain namespaces, otherwise in a user namespace. */
describe("pod", () => {
  let lab: PodLab;
  let sidecar: ChildProcess;
  beforeAll(async () => {
    lab = await PodLab.open();
    lab.applyRules();
    sidecar = await lab.startSidecar("--drain-timeout-ms", "2000", "--connection-limit", "5");
  });
  afterAll(async () => { await lab.close(); });

  const python = (script: string) => lab.pod.run("python3", "-c", `import socket, struct, errno\n${script}`).trim();
  const dial = (port: number, to: string = "93.184.216.34") => `s = socket.create_connection(("${to}", ${port}), 5)`;

  test("a connection to anywhere arrives at the proxy with the pod's token and its own source", async () => {
    for (const to of ["93.184.216.34", "2606:2800:220:1::1"]) {
      expect(python(`${dial(443, to)}\nprint(s.recv(100).decode())`)).toBe(`relayed ${to} 443`);
      await expect.poll(() => lab.preambles.at(-1)).toMatchObject({ token: "pod.token.signature", source: { address: ADDRESSES.pod[to.includes(":") ? 6 : 4] } });
    }
  });

  test("an aborted answer is an abort for the agent too, and not a short answer", () => {
    expect(python(`${dial(7001)}\nimport time\ntry:\n  while s.recv(100): time.sleep(0.05)\n  print("end")\nexcept OSError as e:\n  print(errno.errorcode[e.errno])`)).toBe("ECONNRESET");
  });

  test("an agent's abort is an abort for the proxy too, and its end is an end", async () => {
    python(`${dial(7002)}\ns.recv(10)\ns.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))\ns.close()`);
    python(`${dial(7002)}\ns.recv(10)\ns.shutdown(socket.SHUT_WR)\ns.recv(10)`);
    await expect.poll(() => lab.ends).toEqual(["ECONNRESET", "FIN"]);
  });

  test("rules put in again while connections are made change nothing and disturb nobody", async () => {
    const before = lab.rules();
    const leaked = lab.leaks();
    const agent = lab.start(lab.pod, ["python3", "-u", "-c", `import socket
held = socket.create_connection(("93.184.216.34", 7003), 5)
for n in range(300):
  assert socket.create_connection(("93.184.216.34", 443), 5).recv(100).startswith(b"relayed")
  held.sendall(b"ping"); assert held.recv(4) == b"ping"
print("undisturbed")`]);
    let output = "";
    agent.stdout?.on("data", (chunk: Buffer) => { output += chunk.toString(); });
    for (let round = 0; round < 4; round += 1) lab.applyRules();
    await once(agent, "close");
    expect(output).toBe("undisturbed\n");
    expect(lab.rules().fingerprint).toBe(before.fingerprint);
    expect(lab.leaks()).toEqual(leaked);
  });

  test("more connections than the limit are refused, and one fewer makes room", () => {
    expect(python(`import time
held = [socket.create_connection(("93.184.216.34", 7003), 5) for _ in range(5)]
for h in held: h.sendall(b"x"); h.recv(1)
def one_more():
  try: return socket.create_connection(("93.184.216.34", 443), 5).recv(50).decode().strip()
  except OSError as e: return errno.errorcode[e.errno]
print(one_more())
held.pop().close()
for _ in range(100):
  seen = one_more()
  if seen != "ECONNRESET": break
  time.sleep(0.02)
print(seen)`).split("\n")).toEqual(["ECONNRESET", "relayed 93.184.216.34 443"]);
  });

  test("a terminated sidecar takes nothing new and lets what is open go on until the drain ends", async () => {
    const agent = lab.start(lab.pod, ["python3", "-u", "-c", `import socket, sys
held = socket.create_connection(("93.184.216.34", 7003), 5)
held.sendall(b"a"); held.recv(1); print("open")
sys.stdin.readline()
try: socket.create_connection(("93.184.216.34", 443), 2)
except OSError as e: print(type(e).__name__)
held.sendall(b"b"); print(held.recv(1).decode())
try: print(held.recv(1))
except OSError as e: print(type(e).__name__)`]);
    let output = "";
    const opened = Promise.withResolvers<void>();
    agent.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      opened.resolve();
    }).on("end", () => { opened.reject(new Error("the agent could not connect")); });
    await opened.promise;
    const ended = once(sidecar, "exit");
    sidecar.kill("SIGTERM");
    await expect.poll(() => lab.pod.run("ss", "-Hltn", "sport", "=", "15001").trim()).toBe("");
    agent.stdin?.write("go\n");
    await once(agent, "close");
    expect(output.trim().split("\n")).toEqual(["open", "ConnectionRefusedError", "b", "ConnectionResetError"]);
    expect(await ended).toEqual([0, null]);
  });

  test("without a sidecar every connection is refused at once, and nothing leaves", async () => {
    await endProcess(sidecar);
    const leaked = lab.leaks();
    for (const to of ["93.184.216.34", "2606:2800:220:1::1"]) {
      expect(python(`try:\n  ${dial(443, to)}\nexcept OSError as e:\n  print(errno.errorcode[e.errno])`)).toBe("ECONNREFUSED");
    }
    expect(lab.leaks()).toEqual(leaked);
  });

  test("a rule that somebody took out is missed", () => {
    const handle = lab.pod.run("nft", "-a", "list", "chain", "inet", "weir", "last_gate").match(/comment "leak" # handle (\d+)/)?.[1] ?? "";
    lab.pod.run("nft", "delete", "rule", "inet", "weir", "last_gate", "handle", handle);
    expect(lab.rules().differences).toEqual([expect.stringContaining("last_gate")]);
    lab.applyRules();
    expect(lab.rules().differences).toEqual([]);
  });

  test("init without the right to set rules ends with 69, and with a wrong setting with 78", () => {
    const code = (...args: string[]) => lab.pod.run("sh", "-c", 'setpriv --bounding-set -all --inh-caps -all --no-new-privs "$@" 2>/dev/null; echo $?', "sh", process.execPath, init, ...args).trim();
    expect(code("--mode", "local")).toBe("69");
    expect(code("--mode", "pod", "--node-addresses", "nowhere")).toBe("78");
    expect(code("--no-such-flag")).toBe("78");
  });

  test("a tool that is not installed is named with the package that has it", () => {
    expect(() => runTool("nft-not-here", [])).toThrow(/nft-not-here cannot be run/);
  });
});

/** What holds the agent back until the boundary stands: the sidecar's ready file, for which the pod's startup probe waits. */
describe("the ready file", () => {
  let lab: PodLab;
  beforeAll(async () => { lab = await PodLab.open(); });
  afterAll(async () => { await lab.close(); });

  test("comes when connections are turned to the sidecar, and not before; that of an earlier sidecar is taken away", async () => {
    const file = join(lab.folder, "ready");
    writeFileSync(file, "");
    const started = lab.startSidecar("--ready-file", file);
    await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(false);
    const waiting = lab.start(lab.pod, [process.execPath, fileURLToPath(new URL("../../sidecar/main.ts", import.meta.url)), "--await-ready", file]);
    // What is not turned around goes out, and the next try follows.
    await expect.poll(() => lab.leaks().outside, { timeout: 5_000 }).toBeGreaterThan(1);
    expect([existsSync(file), waiting.exitCode]).toEqual([false, null]);
    const ended = once(waiting, "exit");
    lab.applyRules();
    expect(await ended).toEqual([0, null]);
    await endProcess(await started);
    expect(lab.preambles).toEqual([]);
  });
});

describe("inbound", () => {
  let lab: PodLab;
  beforeAll(async () => { lab = await PodLab.open(); });
  afterAll(async () => { await lab.close(); });

  /** Opens a connection into the pod from an address that is not listed. */
  const reach = (port: number) => lab.node.run("python3", "-c", `import socket\ntry:\n  print(socket.create_connection(("${ADDRESSES.pod[4]}", ${port}), 0.5, ("10.78.0.9", 0)).recv(10).decode())\nexcept OSError as e:\n  print(type(e).__name__)`).trim();

  test("any lets connections in from everywhere but to the sidecar, and nothing new out; listed and none let this one not in", async () => {
    lab.node.run("ip", "address", "add", "10.78.0.9/32", "dev", "pod0");
    const server = lab.start(lab.pod, ["python3", "-u", "-c", `import socket, threading
def serve(port):
  l = socket.create_server(("0.0.0.0", port))
  while True: l.accept()[0].sendall(b"served")
for port in (8080, 15001): threading.Thread(target=serve, args=(port,)).start()
print("up")`]);
    await once(server.stdout ?? server, "data");
    lab.applyRules({ inbound: "any" });
    expect([reach(8_080), reach(15_001)]).toEqual(["served", "TimeoutError"]);
    expect(lab.pod.run("python3", "-c", 'import socket\nprint(socket.create_connection(("10.78.0.9", 8080), 1).recv(10).decode())').trim()).toBe("served");
    for (const inbound of ["listed", "none"]) {
      lab.applyRules({ inbound });
      expect(reach(8_080)).toBe("TimeoutError");
    }
  });
});
