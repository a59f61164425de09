import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sandbox, SandboxRequest } from "../../../cli/sandbox/sandbox.ts";
import type { StageEvent } from "../../../cli/sandbox/stage-protocol.ts";
import { startSandbox } from "../../../cli/sandbox/start.ts";
import { rulesConfig } from "../../../init/config.ts";
import { readBack, type LoadedRules } from "../../../init/read-back.ts";
import { planRules } from "../../../init/rules.ts";
import { enterProcess, runInside } from "./namespaces.ts";
import { openRecorder, type Recorder } from "./recorder.ts";

const plan = planRules(rulesConfig.parse({ mode: "local" }));

/** A local sandbox around a recorder: folders for a home and a project, a token, and what the stage says. */
export class SandboxLab {
  readonly folder: string;
  readonly home: string;
  readonly cwd: string;
  readonly tokenFile: string;
  readonly events: StageEvent[] = [];
  readonly recorder: Recorder;
  readonly #stop = new AbortController();

  private constructor(recorder: Recorder, folder: string) {
    this.recorder = recorder;
    this.folder = folder;
    this.home = join(folder, "home");
    this.cwd = join(folder, "home", "project");
    this.tokenFile = join(folder, "token");
    mkdirSync(this.cwd, { recursive: true });
    writeFileSync(this.tokenFile, "local.token.signature");
  }

  static async open(): Promise<SandboxLab> {
    const folder = mkdtempSync(join(tmpdir(), "weir-lab-"));
    return new SandboxLab(await openRecorder({ path: join(folder, "proxy.sock") }), folder);
  }

  /** Starts a command with pipes; ends at the latest with the lab. */
  async start(command: readonly string[], changes: Partial<SandboxRequest> = {}): Promise<Sandbox> {
    return startSandbox({
      command, cwd: this.cwd, home: this.home, environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: this.home },
      proxySocket: join(this.folder, "proxy.sock"), tokenFile: this.tokenFile,
      hiddenPaths: [], readOnlyPaths: [], writablePaths: [], unixSockets: "private", stdio: "pipe",
      onEvent: (event) => this.events.push(event),
      ...changes,
    }, this.#stop.signal);
  }

  /** Runs a shell line to its end. */
  async run(script: string, changes: Partial<SandboxRequest> = {}): Promise<{ readonly exitCode: number; readonly output: string }> {
    const sandbox = await this.start(["sh", "-c", `exec 2>&1\n${script}`], changes);
    let output = "";
    sandbox.stdout?.on("data", (chunk: Buffer) => { output += chunk.toString(); });
    sandbox.stdin?.end();
    return { exitCode: await sandbox.exited, output };
  }

  /** The process of the sidecar that started last. */
  sidecarPid(): number {
    const started = this.events.findLast((event) => event.kind === "sidecar-started");
    if (started === undefined) throw new Error("no sidecar has started");
    return started.pid;
  }

  /** What the namespace's kernel holds now. */
  rules(): LoadedRules {
    return readBack(runInside(enterProcess(this.sidecarPid()), ["nft", "-j", "list", "table", "inet", "weir"]), plan);
  }

  /** Devices of the namespace: with none but `lo` there is nothing that a packet could leave by. */
  devices(): string[] {
    return (JSON.parse(runInside(enterProcess(this.sidecarPid()), ["ip", "-j", "link"])) as { ifname: string }[]).map(({ ifname }) => ifname);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.recorder.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
