import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { weir } from "../../support/cli.ts";
import { CANARY } from "../../support/credentials.ts";

describe("weir cred", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "weir-cred-"));
    writeFileSync(join(folder, "token"), CANARY, { mode: 0o600 });
    writeFileSync(join(folder, "weir.yaml"), `
stateDirectory: state
grants:
  github:
    credential: {type: file, path: token}
    bind: {hosts: [api.github.test], methods: [GET], paths: ["/repos/**"]}
    env: {GITHUB_TOKEN: auto}
  nothing:
    credential: {type: environment, name: WEIR_TEST_MISSING}
    bind: {hosts: [api.example.test]}
`);
  });
  afterEach(() => { rmSync(folder, { recursive: true }); });
  const cred = async (...args: string[]) => weir(["cred", ...args, "--config", join(folder, "weir.yaml")]);

  test("ls says where each secret is and where it may go", async () => {
    const { code, out } = await cred("ls");
    expect(code).toBe(0);
    expect(out).toMatch(/github +file +file:\S+token +header +api\.github\.test +GITHUB_TOKEN\n/);
    expect((JSON.parse((await cred("ls", "-o", "json")).out) as { grants: { grant: string }[] }).grants.map(({ grant }) => grant)).toEqual(["github", "nothing"]);
  });

  test("lists and checks grants whose tokens are asked of servers", async () => {
    writeFileSync(join(folder, "weir.yaml"), `
stateDirectory: state
grants:
  mail:
    credential: {type: oauth2, tokenEndpoint: "https://127.0.0.1:1/token", clientId: weir, clientSecret: {type: file, path: token}}
    bind: {hosts: [mail.example.test]}
`);
    expect(await cred("ls")).toMatchObject({ code: 0, out: expect.stringMatching(/mail +oauth2 +oauth2:127\.0\.0\.1:1\/weir/) as unknown });
    const checked = await cred("check", "mail");
    expect([checked.code, checked.out]).toEqual([1, expect.stringContaining("leads to addresses that are closed") as unknown]);
  });

  test("check says that a grant can be lent, and never its value", async () => {
    const { code, out, err } = await cred("check", "github");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/usable: +yes\n/);
    expect(out).toMatch(/lease: +none\n/);
    const json = await cred("check", "github", "-o", "json");
    expect(JSON.parse(json.out)).toMatchObject({ grant: "github", type: "file", isUsable: true, problem: null, lease: null, hosts: ["api.github.test"] });
    expect(out + json.out).not.toContain(CANARY);
  });

  test("check says why a grant cannot be lent, and exits 1", async () => {
    expect(await cred("check", "nothing")).toMatchObject({ code: 1, out: expect.stringMatching(/usable: +no: grant nothing, environment:WEIR_TEST_MISSING: missing/) as unknown });
    chmodSync(join(folder, "token"), 0o644);
    const open = await cred("check", "github", "-o", "json");
    expect([open.code, JSON.parse(open.out)]).toEqual([1, expect.objectContaining({ isUsable: false, problem: expect.stringContaining("unsafe") as unknown })]);
    expect(open.out).not.toContain(CANARY);
  });

  test("check says whether a request is inside the binding", async () => {
    expect((await cred("check", "github", "--url", "https://api.github.test/repos/a")).code).toBe(0);
    const outside = ["https://api.github.test/user", "http://api.github.test/repos/a", "https://evil.test/repos/a", "https://api.github.test:8443/repos/a"];
    for (const url of outside) expect((await cred("check", "github", "--url", url)).code, url).toBe(1);
    expect((await cred("check", "github", "--url", "https://api.github.test/repos/a", "--method", "delete")).out).toContain("method DELETE is not in its binding");
  });

  test("check exits 2 for a grant that there is not, and names those that there are", async () => {
    expect(await cred("check", "gitlab")).toMatchObject({ code: 2, err: expect.stringContaining("github, nothing") as unknown });
    expect((await cred("check", "github", "--url", "nonsense")).code).toBe(2);
  });
});
