import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openBoundary, type Boundary } from "../../../cli/boundary.ts";
import { weirConfig } from "../../../cli/config.ts";
import { requireSandbox, runInSandbox } from "../../../cli/governed-command.ts";
import { openIo } from "../../../cli/io.ts";
import type { LoadedConfig } from "../../../cli/load-config.ts";
import { readEnvironment } from "../../../common/config.ts";

let home: string;
let loaded: LoadedConfig;
let boundary: Boundary;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "weir-governed-"));
  mkdirSync(join(home, "policy"));
  mkdirSync(join(home, ".ssh"));
  writeFileSync(join(home, "policy", "data.yaml"), "hosts: []\n");
  writeFileSync(join(home, ".ssh", "id_ed25519"), "canary");
  const config = weirConfig.parse({ stateDirectory: join(home, "state"), policy: { directory: join(home, "policy") }, logLevel: "silent" });
  loaded = { config, file: null };
  boundary = await openBoundary(loaded, openIo({ HOME: home }), { agentName: undefined, thread: undefined, proxySocket: undefined, onRecord: () => {} });
});
beforeEach(() => { rmSync(join(home, "result"), { force: true }); });
afterAll(async () => {
  await boundary.close();
  rmSync(home, { recursive: true, force: true });
});

/** Runs a shell script as the agent. @returns its exit code, and what it wrote to `$HOME/result` */
async function govern(script: string): Promise<{ code: number; result: string }> {
  const environment = { PATH: readEnvironment()["PATH"] ?? "", HOME: home };
  const code = await runInSandbox(["sh", "-c", script], { boundary, loaded, environment });
  const file = join(home, "result");
  return { code, result: existsSync(file) ? readFileSync(file, "utf8").trim() : "" };
}

test("a machine that has what the sandbox needs is not stopped", async () => {
  await expect(requireSandbox()).resolves.toBeUndefined();
});

test("the command's exit code is the result", async () => {
  expect(await govern("exit 7")).toEqual({ code: 7, result: "" });
});

test("the command may write its home, and neither the policy that judges it nor Weir's own code", async () => {
  const script = `for path in "$HOME/mine" "$HOME/policy/data.yaml" ${JSON.stringify(join(process.cwd(), "dist", "planted"))}; do
    if (echo x >> "$path") 2>/dev/null; then echo "$path"; fi >> "$HOME/result"; done`;
  expect((await govern(script)).result).toBe(join(home, "mine"));
  expect(readFileSync(join(home, "policy", "data.yaml"), "utf8")).toBe("hosts: []\n");
});

test("the command finds neither the user's credentials nor Weir's state", async () => {
  expect((await govern('ls -A "$HOME/.ssh" "$HOME/state" > "$HOME/result" 2>&1')).result).not.toMatch(/id_ed25519|ca\b|issuer|audit/);
});

test("the command's clients are told to trust the boundary, by files that exist inside", async () => {
  const { result } = await govern('for name in SSL_CERT_FILE NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE; do eval "file=\\$$name"; grep -c "BEGIN CERTIFICATE" "$file"; done > "$HOME/result"');
  expect(result).toMatch(/^([1-9]\d*\n?){3}$/);
});
