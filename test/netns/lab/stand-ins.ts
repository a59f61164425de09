import { once } from "node:events";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { dirname, join } from "node:path";

/** Programs of the host that would do an agent's bidding, at the places where they listen on a usual machine. */
const USUAL_PATHS = [
  "/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock", "/run/crio/crio.sock",
  "/run/dbus/system_bus_socket", "/run/systemd/private", "/run/systemd/notify", "/run/snapd.socket", "/run/pcscd/pcscd.comm",
  "/tmp/.X11-unix/X77", "/tmp/ssh-weirtest/agent.77", "/tmp/tmux-77/default", "/var/tmp/weir-test.sock", "/opt/weir-test-daemon.sock",
];

export interface StandIns {
  /** Where something listens now, stand-in or real. */
  readonly paths: readonly string[];
  readonly abstractNames: readonly string[];
  /** Connections of attempts that arrived: each is a way out. */
  readonly reached: () => readonly string[];
  close(): void;
}

/** Listens wherever this user may and nothing is yet. @param home the agent's; sockets in it are on its own writable ground */
export async function openStandIns(home: string): Promise<StandIns> {
  const uid = process.getuid?.() ?? 0;
  const wanted = [...USUAL_PATHS, `/run/user/${uid}/bus`, `/run/user/${uid}/wayland-0`, `/run/user/${uid}/gnupg/S.gpg-agent`, join(home, ".cache/agent.sock"), join(home, "project.sock")];
  const reached: string[] = [];
  const servers: Server[] = [];
  const made: string[] = [];
  const paths: string[] = [];
  for (const path of wanted) {
    if (!existsSync(path)) {
      const server = await tryListen(path, made, () => reached.push(path));
      if (server === undefined) continue;
      servers.push(server);
    }
    paths.push(path);
  }
  const abstractName = `weir-test-${process.pid}`;
  servers.push(await listen(`\0${abstractName}`, () => reached.push(`@${abstractName}`)));
  return {
    paths, abstractNames: [abstractName], reached: () => reached,
    close: () => {
      for (const server of servers) server.close();
      for (const path of made.reverse()) rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Undefined where this user may not listen. Folders that had to be made are remembered for removal. */
async function tryListen(path: string, made: string[], onConnection: () => void): Promise<Server | undefined> {
  try {
    const first = mkdirSync(dirname(path), { recursive: true });
    if (first !== undefined) made.push(first);
    const server = await listen(path, onConnection);
    made.push(path);
    return server;
  } catch {
    return undefined;
  }
}

async function listen(path: string, onConnection: () => void): Promise<Server> {
  // Programs of this machine may come by too; only an attempt says who it is.
  const server = createServer((socket) => {
    socket.on("data", (chunk) => { if (chunk.toString().includes("an agent was here")) onConnection(); }).on("error", () => {});
  }).listen(path);
  await once(server, "listening");
  return server;
}
