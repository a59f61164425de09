import { attemptsCommand, eachAttempt } from "../../netns/lab/attempts.ts";
import { SandboxLab } from "../../netns/lab/sandbox-lab.ts";
import { openStandIns, type StandIns } from "../../netns/lab/stand-ins.ts";
import type { Tally } from "./tally.ts";

const WHERE = "sandbox";

/** The same attempts as an agent of `weir run`, and on top the sockets of the host's programs. */
export async function attemptInSandbox(tally: Tally): Promise<void> {
  const lab = await SandboxLab.open();
  const standIns = await openStandIns(lab.home);
  try {
    await attemptAll(lab, standIns, tally);
    tally.expect(standIns.reached().length === 0, `${WHERE}: reached ${standIns.reached().join(", ")}`);
    tally.expect(lab.recorder.preambles.every(({ token }) => token === "local.token.signature"), `${WHERE}: a connection without the run's token`);
    tally.expect(lab.recorder.untagged() === 0, `${WHERE}: something reached the proxy without a preamble`);
    await tryWithoutSidecar(lab, tally);
  } finally {
    standIns.close();
    await lab.close();
  }
}

async function attemptAll(lab: SandboxLab, standIns: StandIns, tally: Tally): Promise<void> {
  const sandbox = await lab.start(attemptsCommand({
    mode: "local", node: { 4: "10.255.0.1", 6: "fd00:255::1" }, own: { 4: "10.255.0.2", 6: "fd00:255::2" }, device: "lo", port: 15_008,
    paths: [...standIns.paths, `${lab.folder}/proxy.sock`], abstract: standIns.abstractNames,
  }));
  if (sandbox.stdin === null || sandbox.stdout === null) throw new Error("the agent has no pipes");
  const rules = lab.rules();
  tally.expect(rules.differences.length === 0, `${WHERE}: the rules differ from the plan: ${rules.differences.join("; ")}`);
  for await (const attempt of eachAttempt(sandbox.stdin as NodeJS.WritableStream & import("node:stream").Writable, sandbox.stdout as import("node:stream").Readable)) {
    tally.attempt(WHERE, attempt);
    const now = lab.rules();
    tally.expect(now.fingerprint === rules.fingerprint, `${WHERE}: the rules are others after ${attempt.name}`);
    tally.leaked(WHERE, attempt.name, now.counters.get("last_gate: leak") ?? Number.POSITIVE_INFINITY);
    tally.expect(lab.devices().join() === "lo", `${WHERE}: there is another device after ${attempt.name}: ${lab.devices().join()}`);
  }
  await sandbox.exited;
}

/** The sidecar dies while the agent goes on: refused at once until the next one is there, and then it works again. */
async function tryWithoutSidecar(lab: SandboxLab, tally: Tally): Promise<void> {
  const script = `
import socket, sys, time, errno
def go():
    try: return socket.create_connection(("93.184.216.34", 443), 2).recv(100).decode().strip() or "closed"
    except OSError as e: return errno.errorcode.get(e.errno, str(e))
print(go(), flush=True)
sys.stdin.readline()
seen = set()
for _ in range(400):
    seen.add(go())
    if "relayed 93.184.216.34 443" in seen and "ECONNREFUSED" in seen: break
    time.sleep(0.005)
print(sorted(seen), flush=True)`;
  const sandbox = await lab.start(["python3", "-c", script]);
  let output = "";
  const greeted = Promise.withResolvers<void>();
  sandbox.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    greeted.resolve();
  });
  await greeted.promise;
  process.kill(lab.sidecarPid(), "SIGKILL");
  sandbox.stdin?.end("killed\n");
  await sandbox.exited;
  const outcome = output.split("\n")[1] ?? "";
  const ok = outcome.includes("ECONNREFUSED") && outcome.includes("relayed") && !/ETIMEDOUT|timed out/.test(outcome);
  tally.attempt(WHERE, { name: "sidecar killed", expect: "ECONNREFUSED, then relayed again", outcome, ok });
}
