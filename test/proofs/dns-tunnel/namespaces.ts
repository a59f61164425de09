import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** A network namespace that lives as long as one sleeping process; made by whoever is root in the user namespace around. */
export class Namespace implements AsyncDisposable {
  readonly #holder: ChildProcess;
  readonly #children = new Set<ChildProcess>();
  readonly #devices: string[] = [];

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async open(): Promise<Namespace> {
    // `cat` ends with its input, so that nothing stays behind however this process ends; its first output says that the namespace is there.
    const holder = spawn("unshare", ["-n", "--", "sh", "-c", "echo ready; exec cat > /dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
    await once(holder.stdout ?? holder, "data");
    const namespace = new Namespace(holder);
    namespace.run("ip", "link", "set", "lo", "up");
    return namespace;
  }

  get pid(): number {
    return this.#holder.pid ?? -1;
  }

  /** Runs a command inside, to its end. @returns what it printed; throws if it failed */
  run(command: string, ...args: readonly string[]): string {
    return execFileSync("nsenter", this.#inside(command, args), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Loads nft rules; throws if the kernel refuses them. */
  loadRules(rules: string): void {
    execFileSync("nsenter", this.#inside("nft", ["-f", "-"]), { input: rules, stdio: ["pipe", "pipe", "pipe"] });
  }

  /** Starts a command inside; it ends with the namespace at the latest. */
  start(command: string, ...args: readonly string[]): ChildProcess {
    const child = spawn("nsenter", this.#inside(command, args), { stdio: ["pipe", "pipe", "pipe"] });
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
    return child;
  }

  /** Links this namespace to the machine around it. Addresses are IPv4 with a /24. */
  linkTo(machineAddress: string, ownAddress: string, device: string): void {
    this.#devices.push(device);
    execFileSync("ip", ["link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", String(this.pid)]);
    execFileSync("ip", ["address", "add", `${machineAddress}/24`, "dev", device]);
    execFileSync("ip", ["link", "set", device, "up"]);
    this.run("ip", "address", "add", `${ownAddress}/24`, "dev", "eth0");
    this.run("ip", "link", "set", "eth0", "up");
    this.run("ip", "route", "add", "default", "via", machineAddress);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // At once: left to the kernel, the address would stay on the machine for a moment and be in the way of the next namespace.
    for (const device of this.#devices) execFileSync("ip", ["link", "delete", device]);
    const ending = [...this.#children, this.#holder].filter((child) => child.exitCode === null && child.signalCode === null);
    await Promise.all(ending.map(async (child) => {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    }));
  }

  #inside(command: string, args: readonly string[]): string[] {
    return ["-t", String(this.pid), "-n", "--", command, ...args];
  }
}

/** Waits for a line of a child that matches; rejects if the child ends or the time is over first. */
export async function lineOf(child: ChildProcess, pattern: RegExp, deadlineMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const read = (chunk: Buffer): void => {
    text += chunk.toString();
    const line = text.split("\n").find((one) => pattern.test(one));
    if (line !== undefined) resolve(line);
  };
  child.stdout?.on("data", read);
  child.stderr?.on("data", read);
  child.once("close", (code) => { reject(new Error(`ended with ${code} before ${pattern}: ${text.slice(-500)}`)); });
  const timer = setTimeout(() => { reject(new Error(`no ${pattern} after ${deadlineMs} ms: ${text.slice(-500)}`)); }, deadlineMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
