import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { readEnvironment } from "../../../common/config.ts";

/** A bare repository with one commit, in a folder of its own. @returns the folder that `GIT_PROJECT_ROOT` names */
export function makeRepository(directory: string): string {
  const source = join(directory, "source");
  const root = join(directory, "git");
  mkdirSync(source, { recursive: true });
  mkdirSync(root, { recursive: true });
  writeFileSync(join(source, "README"), "cloned through the boundary\n");
  const git = (...args: string[]) => {
    const done = spawnSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.test", "-c", "init.defaultBranch=main", ...args], { cwd: source, encoding: "utf8" });
    if (done.status !== 0) throw new Error(`git ${args.join(" ")}: ${done.stderr}`);
  };
  git("init", "-q");
  git("add", "README");
  git("commit", "-q", "-m", "one");
  git("clone", "-q", "--bare", source, join(root, "repo.git"));
  return root;
}

/** Answers by git's own CGI program (git-http-backend(1)). */
export async function serveGit(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "https://git.test");
  const backend = spawn("git", ["http-backend"], {
    env: {
      ...readEnvironment(), GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: "1", PATH_INFO: url.pathname, QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method, CONTENT_TYPE: request.headers["content-type"] ?? "", HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""), GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "safe.directory", GIT_CONFIG_VALUE_0: "*",
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const sent = pipeline(request, backend.stdin).catch(() => undefined);
  const chunks: Buffer[] = [];
  for await (const chunk of backend.stdout) chunks.push(chunk as Buffer);
  await sent;
  const whole = Buffer.concat(chunks);
  const end = whole.indexOf("\r\n\r\n");
  let status = 200;
  for (const line of whole.subarray(0, end).toString().split("\r\n")) {
    const [name = "", value = ""] = line.split(/: (.*)/s);
    if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status).end(whole.subarray(end + 4));
}
