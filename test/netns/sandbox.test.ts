import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkSandbox } from "../../cli/sandbox/check.ts";
import { SandboxLab } from "./lab/sandbox-lab.ts";

describe("sandbox", () => {
  let lab: SandboxLab;
  beforeAll(async () => { lab = await SandboxLab.open(); });
  afterAll(async () => { await lab.close(); });

  test("this machine has what it takes", async () => {
    expect((await checkSandbox()).filter(({ ok }) => !ok)).toEqual([]);
  });

  test.each([["exit 7", 7], ["true", 0], ["kill -TERM $$", 143], ["kill -KILL $$", 137], ["exec /nonexistent", 127], ["exec /etc/passwd", 126]])("`%s` ends as it would in a shell", async (script, code) => {
    expect((await lab.run(script)).exitCode).toBe(code);
  });

  test("a command that does not exist is 127, one that is no program 126", async () => {
    for (const [word, code] of [["weir-no-such-command", 127], ["/etc/passwd", 126]] as const) {
      const sandbox = await lab.start([word]);
      expect(await sandbox.exited).toBe(code);
    }
  });

  test("the agent is the caller, without any capability and with a filter", async () => {
    const { output } = await lab.run("id -u; id -g; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
    expect(output.split("\n").slice(0, 2)).toEqual([String(process.getuid?.()), String(process.getgid?.())]);
    for (const name of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) expect(output).toContain(`${name}:\t0000000000000000`);
    expect(output).toContain("NoNewPrivs:\t1");
    expect(output).toContain("Seccomp:\t2");
  });

  test("sees its own processes only, and inherits no file but the three", async () => {
    const { output } = await lab.run("ls /proc | grep -c '^[0-9]'; ls /proc/self/fd");
    const [processes = "", ...files] = output.trim().split("\n");
    expect(Number(processes)).toBeLessThan(8);
    expect(files.filter((fd) => Number(fd) > 3)).toEqual([]);
  });

  test("the project and the home are writable, the rest of the machine is not", async () => {
    const { output } = await lab.run(`echo made > made.txt && echo home > ~/home.txt; touch /usr/weir-test; touch /etc/weir-test; echo 1 > /proc/sys/vm/swappiness; touch /tmp/weir-private-test && echo private`);
    expect(readFileSync(join(lab.cwd, "made.txt"), "utf8")).toBe("made\n");
    expect(readFileSync(join(lab.home, "home.txt"), "utf8")).toBe("home\n");
    expect(output.match(/Read-only file system|Permission denied/g)?.length).toBe(3);
    expect(output).toContain("private");
  });

  test("hidden folders and files are empty, whatever is written there is gone afterwards", async () => {
    mkdirSync(join(lab.home, ".ssh"), { recursive: true });
    writeFileSync(join(lab.home, ".ssh/id"), "private key");
    writeFileSync(join(lab.home, ".netrc"), "password");
    const { output } = await lab.run("ls ~/.ssh | wc -l; wc -c < ~/.netrc; echo x > ~/.ssh/known_hosts && echo written; cp -a ~ /tmp/copy 2>/dev/null; grep -r 'private key' /tmp/copy; true",
      { hiddenPaths: [join(lab.home, ".ssh"), join(lab.home, ".netrc")] });
    expect(output.trim().split("\n")).toEqual(["0", "0", "written"]);
    expect(readFileSync(join(lab.home, ".ssh/id"), "utf8")).toBe("private key");
  });

  test("policy cannot be written, removed, replaced, or moved away with its folder", async () => {
    const folder = join(lab.home, ".config/weir/policy");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "data.yaml"), "hosts: []\n");
    const { output } = await lab.run(`
      echo evil > ~/.config/weir/policy/data.yaml; rm -rf ~/.config/weir/policy; mv ~/.config/weir ~/.config/away; mv ~/.config ~/away
      mkdir -p /tmp/evil && mv -T /tmp/evil ~/.config; ln -sfn /tmp/evil ~/.config/weir/policy/link; cat ~/.config/weir/policy/data.yaml; echo ok > ~/.config/other && cat ~/.config/other`, { readOnlyPaths: [folder] });
    expect(output).toContain("hosts: []");
    expect(output).toMatch(/\nok\n$/);
    expect(readFileSync(join(folder, "data.yaml"), "utf8")).toBe("hosts: []\n");
  });

  test("a policy behind a link that the agent could turn elsewhere is refused", async () => {
    symlinkSync("/etc", join(lab.home, "linked"));
    await expect(lab.run("true", { readOnlyPaths: [join(lab.home, "linked/hosts")] })).rejects.toThrow(/symbolic link/);
  });

  test("a name is resolved by the proxy, and the machine's trust bundle is the one given", async () => {
    const bundle = join(lab.folder, "bundle.pem");
    writeFileSync(bundle, "the bundle");
    const { output } = await lab.run("cat /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt; getent hosts localhost", { caBundleFile: bundle });
    expect(output).toContain("nameserver 10.255.0.1");
    expect(output).toContain("the bundle");
    expect(output).toContain("localhost");
  });

  test("a socket that a program of the host opens in /tmp after the start is not there", async () => {
    const sandbox = await lab.start(["sh", "-c", "read line; ls /tmp | grep -c late-weir-test; true"]);
    const server = createServer().listen(`/tmp/late-weir-test-${process.pid}.sock`);
    await once(server, "listening");
    let output = "";
    sandbox.stdout?.on("data", (chunk: Buffer) => { output += chunk.toString(); });
    sandbox.stdin?.end("go\n");
    await sandbox.exited;
    server.close();
    expect(output.trim()).toBe("0");
  });

  test("own Unix sockets work when private, and do not exist when denied", async () => {
    const script = "python3 -c \"import socket; a = socket.socket(socket.AF_UNIX); a.bind('/tmp/own.sock'); a.listen(); socket.socket(socket.AF_UNIX).connect('/tmp/own.sock'); socket.socketpair(); print('works')\"";
    expect((await lab.run(script)).output).toContain("works");
    expect((await lab.run(script, { unixSockets: "deny" })).output).toContain("Address family not supported");
  });

  test("a signal reaches COMMAND itself, and its handler decides", async () => {
    const sandbox = await lab.start(["sh", "-c", "trap 'echo asked; exit 9' TERM; echo ready; while :; do sleep 0.05; done"]);
    let output = "";
    sandbox.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (chunk.toString().includes("ready")) sandbox.signal("SIGTERM");
    });
    expect(await sandbox.exited).toBe(9);
    expect(output).toBe("ready\nasked\n");
  });

  test("everything ends with the sandbox, the sidecar too", async () => {
    await lab.run("sleep 1000 & setsid sleep 1000 & exit 0");
    const pid = lab.sidecarPid();
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  test("a sidecar that cannot start means that COMMAND does not run", async () => {
    await expect(lab.run("true", { proxySocket: `${lab.folder}/proxy.sock`, tokenFile: "" })).rejects.toThrow(/sandbox could not be made/);
  });
});
