import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import type { PemPair } from "./tls-authority.ts";

const run = promisify(execFile);

/** What a command of git came to; the words that a person reads are in `said`. */
export interface GitRun {
  readonly code: number;
  readonly said: string;
}

/** A server of Git over smart HTTP (`git http-backend`, a CGI program) with one repository, `org/name.git`, that takes pushes. */
export interface GitServer {
  readonly port: number;
  /** Method and target of each request that arrived. */
  readonly requests: readonly string[];
  /** The newest commit's message on `main`. */
  head(): Promise<string>;
  close(): Promise<void>;
}

/** Nothing of the machine's or the user's settings takes part. */
const ENVIRONMENT = { PATH: "/usr/local/bin:/usr/bin:/bin", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_TERMINAL_PROMPT: "0", HOME: tmpdir(), LC_ALL: "C" };

export async function startGitServer(identity: PemPair): Promise<GitServer> {
  const root = mkdtempSync(join(tmpdir(), "weir-git-"));
  const bare = join(root, "org", "name.git");
  await git(["init", "--quiet", "--bare", "--initial-branch=main", bare], root);
  await git(["-C", bare, "config", "http.receivepack", "true"], root);
  await commitAndPush(root, bare);
  const requests: string[] = [];
  const server = createServer({ cert: identity.certPem, key: identity.keyPem }, (request, response) => {
    requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    serve(root, request, response).catch(() => { response.destroy(); });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, requests,
    head: async () => (await git(["-C", bare, "log", "-1", "--format=%s", "main"], root)).said.trim(),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      rmSync(root, { recursive: true, force: true });
    },
  };
}

async function commitAndPush(root: string, bare: string): Promise<void> {
  const work = join(root, "work");
  await git(["clone", "--quiet", bare, work], root);
  await commit(work, "first");
  await git(["-C", work, "push", "--quiet", "origin", "HEAD:main"], root);
}

/** Adds a commit to a checkout. */
export async function commit(folder: string, message: string): Promise<void> {
  writeFileSync(join(folder, "file.txt"), `${message}\n`);
  await git(["-C", folder, "add", "."], folder);
  await git(["-C", folder, "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--quiet", "-m", message], folder);
}

/** Runs the `git` of the machine. */
export async function git(args: readonly string[], folder: string, settings: readonly string[] = []): Promise<GitRun> {
  try {
    const { stdout, stderr } = await run("git", [...settings.flatMap((one) => ["-c", one]), ...args], { cwd: folder, env: ENVIRONMENT, timeout: 20_000 });
    return { code: 0, said: stdout + stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { readonly code?: number; readonly stdout?: string; readonly stderr?: string };
    return { code: code ?? -1, said: stdout + stderr };
  }
}

/** CGI (RFC 3875), as far as this program needs it. */
async function serve(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, search } = new URL(request.url ?? "/", "https://git.test");
  const { "content-type": type = "", "content-encoding": coding, "git-protocol": protocol } = request.headers;
  const program = spawn("git", ["http-backend"], {
    env: {
      ...ENVIRONMENT, GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: "1", PATH_INFO: pathname, QUERY_STRING: search.slice(1), REQUEST_METHOD: request.method ?? "GET", CONTENT_TYPE: type,
      ...(coding === undefined ? {} : { HTTP_CONTENT_ENCODING: coding }), ...(typeof protocol === "string" ? { GIT_PROTOCOL: protocol } : {}),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const [, answer] = await Promise.all([pipeline(request, program.stdin), gather(program.stdout)]);
  const end = answer.indexOf("\r\n\r\n");
  const fields = answer.subarray(0, end).toString().split("\r\n").map((line) => line.split(": ") as [string, string]);
  const status = fields.find(([name]) => name === "Status")?.[1] ?? "200";
  response.writeHead(Number.parseInt(status, 10), Object.fromEntries(fields.filter(([name]) => name !== "Status"))).end(answer.subarray(end + 4));
}

async function gather(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
