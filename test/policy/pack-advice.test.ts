import { describe, expect, test } from "vitest";
import { aFolder } from "./folders.ts";
import { weirPolicy } from "./weir-policy.ts";

/** Of cli/policy/try.ts and proxy/policy/replay/pack-advice.ts. */
const GITHUB = "packs: [{pack: github, access: read, with: {repositories: [acme/app]}}]\n";

async function tried(data: string, ...args: readonly string[]): Promise<string> {
  return (await weirPolicy("try", "--policy", await aFolder({ "data.yaml": data }), ...args)).out;
}

describe("a refusal", () => {
  test("by a rule of a shipped pack names the level that covers it", async () => {
    const said = await tried(GITHUB, "--host", "api.github.com", "--method", "POST", "--path", "/repos/acme/app/issues");
    expect(said).toContain("pack: github.read is a rule of the pack github, which comes with Weir and is not edited; its level issues covers this: `access: issues`");
  });

  test("that no level covers says so", async () => {
    expect(await tried(GITHUB, "--host", "api.github.com", "--method", "DELETE", "--path", "/repos/acme/app")).toContain("no level of it covers this; or add an entry of your own");
  });

  test("of a host that a shipped pack knows names the pack", async () => {
    expect(await tried("hosts: []\n", "--host", "api.openai.com", "--method", "GET")).toContain("pack: the pack openai knows this host: `packs: [{pack: openai, access: ");
  });

  test("by an entry of one's own, or of a host that nobody knows, is left to its own hint", async () => {
    const own = "hosts: [{name: a.test, rule: github.read}]\n";
    for (const host of ["a.test", "b.test"]) expect(await tried(own, "--host", host, "--method", "POST")).not.toContain("pack:");
  });
});

test.each([["https://a.test/x", "scheme and path"], ["a.test:8443", "port"]])("what is more than a host is said to be: %s", async (host, what) => {
  await expect(tried("hosts: []\n", "--host", host)).rejects.toMatchObject({ exitCode: 2, message: `--host: ${host} is more than a host`, hint: expect.stringContaining(`without ${what};`) });
});

test("an address is a host", async () => {
  for (const host of ["10.0.0.1", "fd00::1"]) expect(await tried("hosts: []\n", "--host", host)).toContain("by rule addresses.default");
});
