import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { readEnvironment } from "../../../common/config.ts";
import { sendJson, type Answer, type Ask, type Seen, type StandIn } from "./stand-in.ts";

/** Owner and name of the one private repository. */
export const REPOSITORY = "weir-proof/private";

const git = (...args: readonly string[]): string => {
  const done = spawnSync("git", args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`git ${args.join(" ")}: ${done.stderr}`);
  return done.stdout;
};

/** A bare repository with one commit. @returns the folder that `GIT_PROJECT_ROOT` names */
export function makeRepository(folder: string): string {
  const bare = join(folder, `${REPOSITORY}.git`);
  mkdirSync(bare, { recursive: true });
  git("init", "-q", "--bare", "-b", "main", bare);
  git("-C", bare, "config", "http.receivepack", "true");
  const tree = git("-C", bare, "mktree", "--missing").trim();
  const commit = git("-C", bare, "-c", "user.name=proof", "-c", "user.email=proof@example.test", "commit-tree", "-m", "Begin", tree).trim();
  git("-C", bare, "update-ref", "refs/heads/main", commit);
  return folder;
}

/** `github.com` for git over HTTPS, by git's own server program: private, so that reading asks for the token too. */
export function githubHost(root: string, realToken: string): StandIn {
  const expected = `Basic ${Buffer.from(`x-access-token:${realToken}`).toString("base64")}`;
  return {
    hosts: ["github.com"],
    serve: async (ask, answer) => {
      const credential = credentialOf(ask, expected);
      if (credential !== "real") {
        answer.writeHead(401, { "www-authenticate": 'Basic realm="GitHub"', "content-type": "text/plain" });
        answer.end("Invalid username or token. Password authentication is not supported for Git operations.\n");
        return { credential, fault: "401", step: "" };
      }
      const status = await serveGit(root, ask, answer);
      const step = ask.path.endsWith("git-receive-pack") ? "push" : ask.path.endsWith("git-upload-pack") ? "fetch" : "refs";
      return { credential, fault: status < 400 ? null : `status ${status}`, step };
    },
  };
}

/** `api.github.com`, as much as `gh api user` asks. */
export function githubApi(realToken: string): StandIn {
  return {
    hosts: ["api.github.com"],
    serve: (ask, answer) => {
      const sent = ask.headers.authorization;
      const credential = sent === undefined ? "none" : sent === `Bearer ${realToken}` || sent === `token ${realToken}` ? "real" : "other";
      answer.setHeader("x-key-seen", String(sent ?? ""));
      if (credential !== "real") sendJson(answer, 401, { message: "Bad credentials", documentation_url: "https://docs.github.com/rest", status: "401" });
      else if (ask.path === "/user") sendJson(answer, 200, { login: "weir-proof", id: 1, note: `asked with ${realToken}` });
      else sendJson(answer, 404, { message: "Not Found", documentation_url: "https://docs.github.com/rest", status: "404" });
      return { credential, fault: credential === "real" && ask.path === "/user" ? null : "refused", step: "user" };
    },
  };
}

function credentialOf({ headers }: Ask, expected: string): Seen["credential"] {
  return headers.authorization === undefined ? "none" : headers.authorization === expected ? "real" : "other";
}

/** git-http-backend(1), a CGI program. @returns the status */
async function serveGit(root: string, ask: Ask, answer: Answer): Promise<number> {
  const backend = spawn("git", ["http-backend"], {
    env: {
      ...readEnvironment(), GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: "1", PATH_INFO: ask.path, QUERY_STRING: ask.query.toString(), REQUEST_METHOD: ask.method,
      REMOTE_USER: "x-access-token", CONTENT_TYPE: ask.headers["content-type"] ?? "", CONTENT_LENGTH: String(ask.body.length),
      HTTP_CONTENT_ENCODING: String(ask.headers["content-encoding"] ?? ""), GIT_PROTOCOL: String(ask.headers["git-protocol"] ?? ""),
      GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "safe.directory", GIT_CONFIG_VALUE_0: "*",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  backend.stdin.on("error", () => {});
  backend.stdin.end(ask.body);
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => { chunks.push(chunk); });
  await once(backend, "close");
  const whole = Buffer.concat(chunks);
  const end = whole.indexOf("\r\n\r\n");
  const fields = whole.subarray(0, end).toString().split("\r\n").map((line) => line.split(/: (.*)/s));
  const status = Number.parseInt(fields.find(([name]) => name?.toLowerCase() === "status")?.[1] ?? "200", 10);
  for (const [name = "", value = ""] of fields) if (name.toLowerCase() !== "status") answer.setHeader(name, value);
  answer.writeHead(status).end(whole.subarray(end + 4));
  return status;
}
