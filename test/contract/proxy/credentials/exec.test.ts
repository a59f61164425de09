import { chmod, readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PROVIDERS } from "../../../../proxy/credentials/providers.ts";
import { execReference } from "../../../../proxy/credentials/providers/exec.ts";
import { type SourceError, valueOf } from "../../../../proxy/credentials/secret-source.ts";
import { A_BORROWER, CANARY } from "../../../support/credentials.ts";
import { MintStage, NO_NETWORK } from "../../../support/token-servers/mint-stage.ts";
import { eventually } from "../../../support/whole-proxy.ts";

const ENVIRONMENT = { PATH: "/usr/bin:/bin", HOME: "/root", OTHER_KEY: "not for the program" };

describe("what a command prints", () => {
  let stage: MintStage;
  beforeEach(async () => { stage = await MintStage.open(); });
  afterEach(async () => { await stage.close(); });

  const run = async (script: string, over: object = {}, signal = new AbortController().signal) => {
    await stage.put("program", `#!/bin/sh\n${script}\n`);
    await chmod(stage.path("program"), 0o700);
    return PROVIDERS.exec(execReference.parse({ type: "exec", commandPath: stage.path("program"), ...over }), stage.context(NO_NETWORK, { environment: ENVIRONMENT })).fetch(signal, A_BORROWER);
  };
  const fault = async (running: Promise<unknown>) => running.then(() => { throw new Error("it gave a secret"); }, (error: unknown) => error as SourceError);

  test("is the secret, for as long as the configuration says", async () => {
    const material = await run("printf 'a token\\n'", { refreshIntervalMs: 5_000 });
    expect([valueOf(material, "value").reveal(), material.lifetimeMs]).toEqual(["a token", 5_000]);
  });

  test("is several values where fields are named, and nothing where it has none of them", async () => {
    const fields = { accessKeyId: "AccessKeyId", secretAccessKey: "SecretAccessKey" };
    const material = await run(`echo '{"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": "of the pair"}'`, { fields });
    expect([valueOf(material, "accessKeyId").reveal(), valueOf(material, "secretAccessKey").reveal()]).toEqual(["AKIA", "of the pair"]);
    expect((await fault(run(`echo ${CANARY}`, { fields }))).message).not.toContain(CANARY);
  });

  test("is asked for with its arguments as they are, and with the named variables alone", async () => {
    const material = await run('printf "%s|%s|%s|" "$1" "$HOME" "$OTHER_KEY"; env | grep -c OTHER || true', { arguments: ["$(id); `id` *"], environment: ["PATH", "HOME"] });
    expect(valueOf(material, "value").reveal()).toBe("$(id); `id` *|/root||0");
  });

  test("is nothing if it fails, and what it said is not repeated", async () => {
    const error = await fault(run(`echo ${CANARY}; echo ${CANARY} >&2; exit 3`));
    expect(error.fault).toBe("missing");
    expect(error.message).toContain("ended with code 3");
    expect(error.message).not.toContain(CANARY);
  });

  test("is nothing if it takes too long; all that it started is ended", async () => {
    const pidFile = stage.path("pid");
    expect((await fault(run(`sleep 300 & echo $! > ${pidFile}; wait`, { timeoutMs: 300 }))).fault).toBe("slow");
    const pid = Number(await readFile(pidFile, "utf8"));
    await eventually("the command's child is gone", async () => !(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")).match(/\) [RSD] /));
  });

  test("is nothing for somebody who does not wait for it", async () => {
    const caller = new AbortController();
    const running = fault(run("sleep 300", {}, caller.signal));
    caller.abort();
    expect((await running).name).toBe("SourceError");
  });

  test("is bounded, text, and something", async () => {
    expect((await fault(run("yes", { outputLimitBytes: 1_000 }))).fault).toBe("oversized");
    expect((await fault(run("printf '\\377\\376'"))).fault).toBe("malformed");
    expect((await fault(run("true"))).fault).toBe("malformed");
  });

  test("is nothing where there is no such command", async () => {
    const source = PROVIDERS.exec(execReference.parse({ type: "exec", commandPath: "/nowhere/program" }), stage.context(NO_NETWORK));
    expect((await fault(source.fetch(new AbortController().signal, A_BORROWER))).fault).toBe("missing");
  });
});
