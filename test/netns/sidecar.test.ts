import { rename, writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SandboxLab } from "./lab/sandbox-lab.ts";

/** Relays between an agent in a network namespace and a recorder on a Unix socket, as `weir run` does. */
describe("sidecar", () => {
  let lab: SandboxLab;
  beforeAll(async () => { lab = await SandboxLab.open(); });
  afterAll(async () => { await lab.close(); });

  const python = async (script: string) => (await lab.run(`exec python3 - <<'PYTHON'\nimport socket\n${script}\nPYTHON`)).output.trim();
  const dial = 's = socket.create_connection(("93.184.216.34", 443), 5)';

  test("says who, from where and whereto, in both families", async () => {
    await python(`for to in ("93.184.216.34", "2606:2800:220:1::1"):\n  socket.create_connection((to, 8443), 5).recv(10)`);
    const [v4, v6] = lab.recorder.preambles.slice(-2);
    expect(v4).toMatchObject({ transport: "tcp", token: "local.token.signature", destination: { address: "93.184.216.34", port: 8443 }, source: { address: "10.255.0.2" } });
    expect(v6).toMatchObject({ destination: { address: "2606:2800:220:1::1", port: 8443 }, source: { address: "fd00:255::2" } });
    expect(v4?.connectionId).not.toBe(v6?.connectionId);
  });

  test("lets the server speak first", async () => {
    lab.recorder.onConnection = (socket) => { socket.end("220 ready\r\n"); };
    expect(await python(`${dial}\nprint(s.recv(100))`)).toBe("b'220 ready\\r\\n'");
  });

  test("passes a half-close on, and the answer that comes after it", async () => {
    lab.recorder.onConnection = (socket, _preamble, first) => {
      let bytes = first.byteLength;
      socket.on("data", (chunk: Buffer) => { bytes += chunk.byteLength; }).on("end", () => { socket.end(`${bytes} bytes`); });
      socket.resume();
    };
    expect(await python(`${dial}\ns.sendall(b"x" * 5_000_000)\ns.shutdown(socket.SHUT_WR)\nprint(s.recv(100))`)).toBe("b'5000000 bytes'");
  });

  test("goes on sending to an agent after the server has ended its half", async () => {
    const received = Promise.withResolvers<string>();
    lab.recorder.onConnection = (socket) => {
      let text = "";
      socket.end();
      socket.on("data", (chunk) => { text += chunk.toString(); }).on("end", () => { received.resolve(text); });
      socket.resume();
    };
    expect(await python(`${dial}\nprint(s.recv(10))\ns.sendall(b"still here")\ns.close()`)).toBe("b''");
    expect(await received.promise).toBe("still here");
  });

  test("carries bytes unchanged both ways at once", async () => {
    lab.recorder.onConnection = (socket, _preamble, first) => {
      socket.write(first);
      socket.on("data", (chunk) => {
        if (!socket.write(chunk)) socket.pause();
      }).on("drain", () => socket.resume()).on("end", () => { socket.end(); });
      socket.resume();
    };
    const output = await python(`${dial}
import hashlib, os, threading
data = os.urandom(8_000_000)
def send():
    s.sendall(data); s.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
seen = b""
while True:
    part = s.recv(65536)
    if not part: break
    seen += part
print(seen == data)`);
    expect(output).toBe("True");
  });

  test("holds a fast server back while the agent does not read", async () => {
    let written = 0;
    const filled = Promise.withResolvers<void>();
    lab.recorder.onConnection = (socket) => {
      const block = Buffer.alloc(1 << 20);
      const pour = () => { while (written < 64 << 20 && socket.write(block, () => { written += block.byteLength; })) { /* until it is full */ } };
      socket.on("drain", pour).on("error", () => {});
      pour();
      // By then everything that can hold bytes on the way holds what it can.
      void wait(700).then(() => { filled.resolve(); });
    };
    const agent = lab.start(["python3", "-c", `import socket, sys\n${dial}\nsys.stdin.readline()\nn = 0\nwhile n < 67108864: n += len(s.recv(1 << 20))\nprint(n)`]);
    const sandbox = await agent;
    await filled.promise;
    expect(written).toBeLessThan(24 << 20);
    sandbox.stdin?.end("read\n");
    expect(await sandbox.exited).toBe(0);
  });

  test("takes a renewed token for the next connection", async () => {
    lab.recorder.onConnection = (socket) => { socket.end("ok"); };
    const agent = await lab.start(["python3", "-u", "-c", `import socket, sys\nfor _ in range(2):\n  ${dial}\n  s.recv(10)\n  print("done")\n  sys.stdin.readline()`]);
    let done = 0;
    const first = Promise.withResolvers<void>();
    agent.stdout?.on("data", () => { if ((done += 1) === 1) first.resolve(); });
    await first.promise;
    await writeFile(`${lab.tokenFile}.new`, "renewed.token.signature\n");
    await rename(`${lab.tokenFile}.new`, lab.tokenFile);
    agent.stdin?.write("again\n");
    agent.stdin?.end("end\n");
    await agent.exited;
    expect(lab.recorder.preambles.slice(-2).map(({ token }) => token)).toEqual(["local.token.signature", "renewed.token.signature"]);
    await writeFile(lab.tokenFile, "local.token.signature");
  });

  test.each([["missing", null], ["empty", ""], ["larger than 8 KiB", "x".repeat(9_000)]])("opens nothing in the agent's name while the token is %s", async (_name, content) => {
    const before = lab.recorder.preambles.length;
    const sandbox = await lab.start(["python3", "-c", `import socket\ntry:\n  ${dial}\n  print(s.recv(10))\nexcept OSError as e:\n  print(e)`], {
      tokenFile: await (async () => {
        const path = `${lab.folder}/other-token`;
        if (content !== null) await writeFile(path, content);
        return content === null ? `${lab.folder}/no-token` : path;
      })(),
    });
    let output = "";
    sandbox.stdout?.on("data", (chunk: Buffer) => { output += chunk.toString(); });
    await sandbox.exited;
    expect(output).toContain("reset by peer");
    expect(lab.recorder.preambles.length).toBe(before);
  });

  test("refuses to be its own destination", async () => {
    const before = lab.recorder.preambles.length;
    const output = await python(`for to in (("127.0.0.1", 15001), ("::1", 15001)):\n  try:\n    print(socket.create_connection(to, 5).recv(10))\n  except OSError as e:\n    print(e)`);
    expect(output.split("\n")).toEqual(["[Errno 104] Connection reset by peer", "[Errno 104] Connection reset by peer"]);
    expect(lab.recorder.preambles.length).toBe(before);
  });

  test("carries DNS datagrams of many clients, each with its own answers", async () => {
    const output = await python(`import select
clients = [socket.socket(socket.AF_INET if i % 2 else socket.AF_INET6, socket.SOCK_DGRAM) for i in range(40)]
for i, c in enumerate(clients):
  for n in range(3): c.sendto(b"%d:%d" % (i, n), (("8.8.8.8", "2001:4860:4860::8888")[i % 2 == 0], 53))
ok = 0
for i, c in enumerate(clients):
  c.settimeout(5)
  ok += sorted(c.recv(100) for _ in range(3)) == [b"%d:%d" % (i, n) for n in range(3)]
print(ok)`);
    expect(output).toBe("40");
    const flows = lab.recorder.preambles.filter(({ transport }) => transport === "dns").slice(-40);
    expect(new Set(flows.map(({ source }) => `${source.address} ${source.port}`)).size).toBe(40);
  });
});
