import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
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
