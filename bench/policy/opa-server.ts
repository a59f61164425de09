import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { Agent, request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Opa } from "../../proxy/policy/opa.ts";
import type { PolicyInput } from "../../proxy/policy/policy-engine.ts";
import { librarySources } from "../../proxy/policy/shipped-files.ts";
import { freePort } from "../../test/support/free-port.ts";

const START_DEADLINE_MS = 20_000;

/** OPA as a server of its own, with the library's sources: how others ask it, over HTTP on one connection that is kept. */
export class OpaServer implements AsyncDisposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;
  readonly #end: () => Promise<void>;

  private constructor(port: number, end: () => Promise<void>) {
    this.#port = port;
    this.#end = end;
  }

  /** @param data compiled policy data @throws Error if it does not start */
  static async start(opa: Opa, data: object): Promise<OpaServer> {
    const folder = await mkdtemp(join(tmpdir(), "weir-bench-opa-"));
    await writeFile(join(folder, "data.json"), JSON.stringify(data));
    const sources = (await readdir(librarySources())).filter((name) => name.endsWith(".rego") && !name.endsWith("_test.rego"));
    const port = await freePort();
    const options = ["--addr", `127.0.0.1:${port}`, "--log-level", "error", "--disable-telemetry"];
    const child = spawn(opa.path, ["run", "--server", ...options, join(folder, "data.json"), ...sources.map((name) => join(librarySources(), name))], { stdio: "ignore" });
    const exited = once(child, "exit");
    const server = new OpaServer(port, async () => {
      child.kill("SIGKILL");
      await exited;
      await rm(folder, { recursive: true });
    });
    for (const untilMs = performance.now() + START_DEADLINE_MS; !await server.#isUp();) {
      if (performance.now() < untilMs) await pause(50);
      else {
        await server[Symbol.asyncDispose]();
        throw new Error("`opa run --server` does not answer");
      }
    }
    return server;
  }

  /** @returns what `weir/exchange/decision` gives */
  async decide(input: PolicyInput): Promise<unknown> {
    const body = JSON.stringify({ input });
    const { result } = JSON.parse(await this.#exchange("POST", "/v1/data/weir/exchange/decision", body)) as { result: unknown };
    return result;
  }

  async #isUp(): Promise<boolean> {
    return this.#exchange("GET", "/health", "").then(() => true, () => false);
  }

  async #exchange(method: string, path: string, body: string): Promise<string> {
    const sent = request({ agent: this.#agent, host: "127.0.0.1", port: this.#port, method, path, headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) } });
    sent.end(body);
    const [answer] = await once(sent, "response") as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.#end();
  }
}
