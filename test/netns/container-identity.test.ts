import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readEnvironment } from "../../common/config.ts";
import { FIRST_IDENTITY_UID, SIDECAR_UID } from "../../common/labels.ts";
import { ADDRESSES, PodLab } from "./lab/pod-lab.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot && readEnvironment()["CI"] === "1") throw new Error("the identities of containers are told apart by uid: run this tier as root");

const SHELL = FIRST_IDENTITY_UID;
const FILES = FIRST_IDENTITY_UID + 1;
const AGENT = 1_000;
const OUTSIDE = "93.184.216.34";
const FAMILIES = [{ family: 4, outside: "93.184.216.34", loopback: "127.0.0.1" }, { family: 6, outside: "2606:2800:220:1::1", loopback: "::1" }] as const;
/** As a container runtime leaves it to an agent that runs as root: what chart and webhook take away is taken away. */
const ROOT_WITHOUT_SETUID = ["setpriv", "--bounding-set", "-setuid,-setgid,-net_admin,-net_raw,-sys_admin,-sys_ptrace", "--inh-caps", "-all", "--no-new-privs", "--"];

/** Containers of one pod: the agent, and two servers of tools with an identity of their own. */
describe.runIf(isRoot)("a container with an identity of its own", () => {
  let lab: PodLab;
  beforeAll(async () => {
    lab = await PodLab.open();
    lab.applyRules({ containers: `shell:${SHELL},files:${FILES}`, sidecarUid: SIDECAR_UID, inbound: "none" });
    await lab.startSidecar("--container", "shell=0", "--container", "files=1");
  });
  afterAll(async () => { await lab.close(); });

  const python = (user: readonly string[], script: string) => lab.pod.run(user[0] ?? "", ...user.slice(1), "python3", "-c", `import socket, errno, os\n${script}`).trim();
  const dial = (to: string, port = 443) => `try:\n  s = socket.create_connection(("${to}", ${port}), 3); print(s.recv(100).decode() or "closed")\nexcept OSError as e:\n  print(errno.errorcode.get(e.errno, e))`;
  const ask = (to: string, port: number, from = 0) =>
    `u = socket.socket(socket.${to.includes(":") ? "AF_INET6" : "AF_INET"}, socket.SOCK_DGRAM); u.settimeout(1); u.bind(("", ${from}))\ntry:\n  u.sendto(b"question", ("${to}", ${port})); print(u.recv(50).decode())\nexcept OSError as e:\n  print(errno.errorcode.get(e.errno, "timeout"))`;
  /** What the proxy was told of the connection to this port. */
  const arrived = async (port: number) => vi.waitUntil(() => lab.preambles.find(({ destination }) => destination.port === port));
  const last = () => lab.preambles.at(-1);

  test.each(FAMILIES)("is named to the proxy, and each by its own name (IPv$family)", async ({ outside }) => {
    for (const [uid, container] of [[SHELL, "shell"], [FILES, "files"], [AGENT, null], [0, null]] as const) {
      expect(python(lab.asUser(uid), dial(outside))).toBe(`relayed ${outside} 443`);
      await expect.poll(() => last()?.container).toBe(container);
      expect(last()).toMatchObject({ token: "pod.token.signature", destination: { address: outside, port: 443 } });
    }
  });

  test.each(FAMILIES)("is named with its questions for names too (IPv$family)", ({ outside }) => {
    for (const uid of [SHELL, FILES, AGENT]) expect(python(lab.asUser(uid), ask(outside, 53))).toBe("question");
  });

  test("the rules are what was planned, users included", () => {
    expect(lab.rules().differences).toEqual([]);
    expect(lab.pod.run("nft", "list", "chain", "inet", "weir", "capture")).toContain(`meta skuid ${SHELL}`);
  });

  describe("nobody else gets its name", () => {
    const notShell = (seen: number) => { expect(lab.preambles.slice(seen).filter(({ container }) => container !== null)).toEqual([]); };

    test.each(FAMILIES)("by dialling the sidecar's port for it (IPv$family)", ({ loopback }) => {
      const seen = lab.preambles.length;
      for (const uid of [AGENT, 0, FILES]) {
        expect(python(lab.asUser(uid), dial(loopback, 15_002))).toBe("ECONNREFUSED");
        expect(python(lab.asUser(uid), ask(loopback, 15_054))).toMatch(/ECONNREFUSED|EPERM/);
      }
      notShell(seen);
    });

    test.each(FAMILIES)("not even the container itself, without a rule in between (IPv$family)", ({ loopback }) => {
      const seen = lab.preambles.length;
      for (const port of [15_001, 15_002]) expect(python(lab.asUser(SHELL), dial(loopback, port))).toBe("ECONNREFUSED");
      for (const port of [15_053, 15_054]) expect(python(lab.asUser(SHELL), ask(loopback, port))).toMatch(/ECONNREFUSED|EPERM/);
      expect(lab.preambles.length).toBe(seen);
    });

    test.each(FAMILIES)("by taking over the port that its question came from (IPv$family)", ({ outside }) => {
      const from = 41_000;
      expect(python(lab.asUser(SHELL), ask(outside, 53, from))).toBe("question");
      const seen = lab.preambles.length;
      expect(python(lab.asUser(AGENT), ask(outside, 53, from))).toMatch(/ECONNREFUSED|EPERM/);
      notShell(seen);
    });

    test.each([
      ["setuid", `os.setuid(${SHELL})`], ["setreuid", `os.setreuid(${SHELL}, ${SHELL})`], ["setresuid", `os.setresuid(0, ${SHELL}, 0)`],
      ["setfsuid", `import ctypes; ctypes.CDLL(None).setfsuid(${SHELL}); ctypes.CDLL(None).setfsuid(-1) == ${SHELL} or (_ for _ in ()).throw(PermissionError(1, "no"))`],
    ])("by %s, even as root", (_name, become) => {
      expect(python(ROOT_WITHOUT_SETUID, `try:\n  ${become}\n  print("became")\nexcept OSError as e:\n  print(errno.errorcode[e.errno])`)).toBe("EPERM");
    });

    test("by setuid with the capability that identities take away: then the name is had, so it must be taken away", async () => {
      python(["setpriv", "--no-new-privs", "--"], `os.setuid(${SHELL})\n${dial(OUTSIDE, 5_000)}`);
      expect((await arrived(5_000)).container).toBe("shell");
    });

    test("by a program of that user with the setuid bit", () => {
      const folder = mkdtempSync("/var/tmp/weir-setuid-");
      try {
        const program = join(folder, "id");
        chmodSync(folder, 0o755);
        copyFileSync("/usr/bin/id", program);
        chownSync(program, SHELL, SHELL);
        chmodSync(program, 0o6755);
        // The control: without no_new_privs the bit does what it says.
        expect(lab.pod.run("setpriv", "--reuid", String(AGENT), "--clear-groups", "--", program, "-u").trim()).toBe(String(SHELL));
        expect(lab.pod.run("setpriv", "--reuid", String(AGENT), "--clear-groups", "--no-new-privs", "--", program, "-u").trim()).toBe(String(AGENT));
        expect(lab.pod.run(...(ROOT_WITHOUT_SETUID as [string, ...string[]]), program, "-u").trim()).toBe("0");
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    test("by being called so in a user namespace of its own", async () => {
      for (const [user, port] of [[lab.asUser(AGENT), 5_001], [ROOT_WITHOUT_SETUID, 5_002]] as const) {
        expect(python([...user, "unshare", "-U", `--map-user=${SHELL}`, "--"], `print(os.getuid())\n${dial(OUTSIDE, port)}`)).toBe(`${SHELL}\nrelayed ${OUTSIDE} ${port}`);
        expect((await arrived(port)).container).toBeNull();
      }
    });

    test("by mapping that very user into a namespace", () => {
      const mapped = `pid = os.fork()
r, w = os.pipe()
if pid == 0:
  import ctypes; ctypes.CDLL(None).unshare(0x10000000); import time; time.sleep(2); os._exit(0)
import time; time.sleep(0.3)
try:
  os.write(os.open(f"/proc/{pid}/uid_map", os.O_WRONLY), b"0 ${SHELL} 1"); print("mapped")
except OSError as e:
  print(errno.errorcode[e.errno])
os.kill(pid, 9)`;
      expect(python(ROOT_WITHOUT_SETUID, mapped)).toBe("EPERM");
    });
  });

  test("nobody but the sidecar dials the proxy: what others send there is tagged like everything else", async () => {
    const to = ADDRESSES.node[4];
    for (const uid of [AGENT, 0]) {
      expect(python(lab.asUser(uid), dial(to, 15_008))).toBe(`relayed ${to} 15008`);
      await expect.poll(() => last()?.destination).toEqual({ address: to, port: 15_008 });
    }
  });

  test("the guards hold for a port at which nobody listens yet", () => {
    expect(python(lab.asUser(AGENT), dial("127.0.0.1", 15_017))).toBe("ECONNREFUSED");
    const own = `l = socket.create_server(("127.0.0.1", 15_017)); l.settimeout(1)\n${dial("127.0.0.1", 15_017)}`;
    expect(python(lab.asUser(AGENT), own)).toBe("ECONNREFUSED");
  });

  test("nothing has left but tagged connections", async () => {
    expect(lab.leaks()).toEqual({ fromPod: 0, outside: 0 });
  });

  // At last, because it replaces the rules.
  test("the rules are what was planned with a single such container, too", () => {
    lab.applyRules({ containers: `shell:${SHELL}`, sidecarUid: SIDECAR_UID, inbound: "none" });
    expect(lab.rules().differences).toEqual([]);
  });
});
