import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = join(import.meta.dirname, "proxy-process.ts");

/** Proxies in processes of their own, each with a state directory that outlives them. */
export class Fleet {
  readonly #directory: string;
  readonly #proxies: OneProxy[];

  private constructor(directory: string, proxies: OneProxy[]) {
    this.#directory = directory;
    this.#proxies = proxies;
  }

  /** @param config of each, but for where it listens and keeps its audit */
  static async start(directory: string, count: number, config: Record<string, unknown>): Promise<Fleet> {
    const fleet = new Fleet(directory, []);
    for (let number = 0; number < count; number += 1) {
      const folder = join(directory, `proxy-${number}`);
      mkdirSync(folder, { mode: 0o700 });
      const own = { listen: { socketPath: join(folder, "door", "proxy.sock") }, audit: { directory: join(folder, "audit") }, ...config };
      writeFileSync(join(folder, "proxy.json"), JSON.stringify(own));
      fleet.#proxies.push(new OneProxy(folder, fleet.issuerDirectory));
    }
    await Promise.all(fleet.#proxies.map(async (proxy) => proxy.start()));
    return fleet;
  }

  get issuerDirectory(): string {
    return join(this.#directory, "issuer");
  }

  get size(): number {
    return this.#proxies.length;
  }

  get restarts(): number {
    return this.#proxies.reduce((sum, { restarts }) => sum + restarts, 0);
  }

  /** Where agents reach it, and whom they must trust. */
  doorOf(number: number): { readonly socketPath: string; readonly caPem: string } {
    const proxy = this.#proxies[number % this.#proxies.length];
    if (proxy === undefined) throw new Error("no such proxy");
    return proxy.door;
  }

  /** `kill -9`, and a start with the same state directory. Nothing if it is not up. */
  async crash(number: number): Promise<boolean> {
    return this.#proxies[number % this.#proxies.length]?.crash() ?? false;
  }

  /** Waits until all are up. */
  async settled(): Promise<void> {
    await Promise.all(this.#proxies.map(async (proxy) => proxy.ready));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#proxies.map(async (proxy) => proxy.stop()));
  }
}

class OneProxy {
  readonly #folder: string;
  readonly #issuerDirectory: string;
  #child: ChildProcess | null = null;
  #caPem = "";
  restarts = 0;
  ready: Promise<void> = Promise.resolve();

  constructor(folder: string, issuerDirectory: string) {
    this.#folder = folder;
    this.#issuerDirectory = issuerDirectory;
  }

  get door(): { readonly socketPath: string; readonly caPem: string } {
    return { socketPath: join(this.#folder, "door", "proxy.sock"), caPem: this.#caPem };
  }

  async start(): Promise<void> {
    this.ready = this.#start();
    await this.ready;
  }

  async crash(): Promise<boolean> {
    const child = this.#child;
    if (child === null) return false;
    this.#child = null;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    this.restarts += 1;
    await this.start();
    return true;
  }

  async stop(): Promise<void> {
    await this.ready.catch(() => undefined);
    const child = this.#child;
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  }

  async #start(): Promise<void> {
    const child = spawn(process.execPath, [PROGRAM, this.#folder, this.#issuerDirectory], { stdio: ["pipe", "pipe", "inherit"] });
    const line = once(createInterface(child.stdout), "line");
    await Promise.race([line, once(child, "exit").then(([code]) => { throw new Error(`a proxy did not start (${code})`); })]);
    this.#caPem = readFileSync(join(this.#folder, "seen-ca.pem"), "utf8");
    this.#child = child;
  }
}
