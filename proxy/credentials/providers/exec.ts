import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import * as z from "zod";
import type { Environment } from "../../../common/config.ts";
import { Secret } from "../../../common/secret.ts";
import { namedFields, namedValues } from "../named-values.ts";
import { SourceError, type Material, type SecretSource } from "../secret-source.ts";

const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "not a variable name");

export const execReference = z.strictObject({
  type: z.literal("exec"),
  commandPath: z.string().min(1).max(4_096).describe("Path of the program, which runs outside of the sandbox with the rights of the proxy; the agent cannot write it. For development, on one machine only."),
  arguments: z.array(z.string().max(4_096)).max(64).default([]).describe("Its arguments; no shell sees them."),
  environment: z.array(variable).max(32).default(["HOME", "PATH"]).describe("Variables of the proxy's environment that it gets; no others."),
  refreshIntervalMs: z.number().int().min(1_000).max(86_400_000).default(3_300_000).describe("Time that its answer is used before it is asked again, in milliseconds."),
  timeoutMs: z.number().int().min(100).max(60_000).default(4_000).describe("Time for it to end, in milliseconds; then it is killed, and all that it started. `credentials.fetchTimeoutMs` is above it."),
  outputLimitBytes: z.number().int().min(1).max(65_536).default(8_192).describe("Largest answer, in bytes."),
  fields: namedFields,
});
export type ExecReference = z.output<typeof execReference>;

/** The secret that a command prints, such as `gh auth token`. What it says besides is thrown away: it may quote the secret. */
export class ExecSource implements SecretSource {
  readonly describe: string;
  readonly scope = "shared";
  readonly #reference: ExecReference;
  readonly #environment: Environment;

  constructor(reference: ExecReference, environment: Environment) {
    this.#reference = reference;
    this.#environment = environment;
    this.describe = `exec:${reference.commandPath}`;
  }

  async fetch(signal: AbortSignal): Promise<Material> {
    const output = decode(this.#reference.commandPath, await this.#run(signal)).replace(/\r?\n$/, "");
    if (output === "") throw new SourceError("malformed", `${this.#reference.commandPath} printed nothing`);
    const { fields } = this.#reference;
    const values = fields === undefined ? { value: new Secret(output) } : namedValues(output, fields, this.describe);
    return { values, version: versionOf(output), lifetimeMs: this.#reference.refreshIntervalMs, lease: null };
  }

  isCurrent(): boolean {
    return true;
  }

  async #run(signal: AbortSignal): Promise<Buffer> {
    const { commandPath, timeoutMs, outputLimitBytes } = this.#reference;
    const deadline = AbortSignal.timeout(timeoutMs);
    // A group of its own, so that what it starts ends with it.
    const child = spawn(commandPath, this.#reference.arguments, { cwd: "/", env: this.#variables(), stdio: ["ignore", "pipe", "ignore"], detached: true });
    const ended = Promise.withResolvers<Buffer>();
    const chunks: Buffer[] = [];
    let bytes = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > outputLimitBytes) ended.reject(new SourceError("oversized", `${commandPath} printed more than ${outputLimitBytes} bytes`));
      else chunks.push(chunk);
    });
    child.once("error", (error: NodeJS.ErrnoException) => { ended.reject(new SourceError("missing", `${commandPath} cannot be started (${error.code ?? "unknown error"})`)); });
    child.once("close", (code) => {
      if (code === 0) ended.resolve(Buffer.concat(chunks));
      else ended.reject(new SourceError("missing", `${commandPath} ended with ${code === null ? "a signal" : `code ${code}`}`));
    });
    const onAbort = (): void => { ended.reject(new SourceError("slow", `${commandPath} did not end within ${timeoutMs} ms`)); };
    const either = AbortSignal.any([signal, deadline]);
    either.addEventListener("abort", onAbort, { once: true });
    if (either.aborted) onAbort();
    try {
      return await ended.promise;
    } finally {
      either.removeEventListener("abort", onAbort);
      killGroup(child.pid);
    }
  }

  #variables(): Record<string, string> {
    return Object.fromEntries(this.#reference.environment.flatMap((name) => {
      const value = this.#environment[name];
      return value === undefined ? [] : [[name, value]];
    }));
  }
}

/** Also when it has ended by itself: it may have left something behind. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left.
  }
}

function decode(commandPath: string, bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new SourceError("malformed", `${commandPath} did not print UTF-8 text`);
  }
}

/** Of this process, so that a version tells nothing to whoever might try out values. */
const VERSION_KEY = randomBytes(32);

function versionOf(secret: string): string {
  return createHmac("sha256", VERSION_KEY).update(secret).digest("hex").slice(0, 12);
}
