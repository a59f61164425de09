import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { vi } from "vitest";
import { freePort } from "./free-port.ts";

const PROGRAM = "/usr/sbin/rsyslogd";

/** True if the real receiver is installed with its TLS driver (Debian: rsyslog, rsyslog-gnutls). */
export const hasRsyslog = existsSync(PROGRAM) && spawnSync("find", ["/usr/lib", "-name", "lmnsd_gtls.so"], { encoding: "utf8" }).stdout !== "";

export interface RsyslogFiles {
  readonly folder: string;
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Only clients with a certificate of the CA. */
  readonly isMutual?: boolean;
}

/** A real rsyslogd of our own: syslog over TLS on a loopback port, its files in a folder of the test, the system's daemon untouched. */
export class Rsyslog {
  readonly port: number;
  readonly #folder: string;
  #child: ChildProcess | null = null;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  static async create(files: RsyslogFiles): Promise<Rsyslog> {
    const port = await freePort();
    writeFileSync(join(files.folder, "rsyslog.conf"), `
global(workDirectory="${files.folder}" maxMessageSize="64k" debug.onShutdown="off"
  defaultNetstreamDriverCAFile="${files.caFile}" defaultNetstreamDriverCertFile="${files.certificateFile}" defaultNetstreamDriverKeyFile="${files.keyFile}")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="${files.isMutual === true ? "x509/certvalid" : "anon"}")
input(type="imtcp" port="${port}" address="127.0.0.1")
template(name="raw" type="string" string="%procid% %structured-data% %msg%\\n")
action(type="omfile" file="${join(files.folder, "received")}" template="raw" flushOnTXEnd="on")
`);
    return new Rsyslog(files.folder, port);
  }

  /** Resolves when it accepts connections. */
  async start(): Promise<void> {
    const child = spawn(PROGRAM, ["-n", "-f", join(this.#folder, "rsyslog.conf"), "-i", join(this.#folder, "pid")], { stdio: "ignore" });
    this.#child = child;
    await vi.waitFor(async () => {
      const socket = connect(this.port, "127.0.0.1");
      await once(socket, "connect").finally(() => { socket.destroy(); });
    }, { timeout: 10_000, interval: 50 });
  }

  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }

  /** Freezes and thaws the process: its kernel goes on taking bytes that nobody reads. */
  freeze(isFrozen: boolean): void {
    this.#child?.kill(isFrozen ? "SIGSTOP" : "SIGCONT");
  }

  /** The JSON of every message that was received, in order. */
  received(): string[] {
    const path = join(this.#folder, "received");
    if (!existsSync(path)) return [];
    return readFileSync(path, "utf8").split("\n").slice(0, -1).map((line) => line.slice(line.indexOf("{")));
  }
}
