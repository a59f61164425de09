import { readdirSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { credentialGrantSpec } from "../../controller/resources/credential-grant.ts";
import { grantsConfig } from "../../proxy/credentials/config.ts";
import { PORTS } from "../../common/ports.ts";
import { renderConfiguration } from "../../scripts/docs/configuration.ts";
import { renderBuiltins } from "../../scripts/docs/policy-builtins.ts";
import { renderRecipes } from "../../scripts/docs/recipes.ts";
import { documents, exists, filesUnder, read, ROOT } from "./repository.ts";

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(read("package.json")) as Manifest;

/** The anchor that a heading gets: lower case, no punctuation, spaces to dashes. */
function anchorsOf(path: string): Set<string> {
  const headings = [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, title]) => title ?? "");
  return new Set(headings.map((title) => title.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")));
}

describe("documents", () => {
  test("link to files and headings that exist", () => {
    const broken = documents().flatMap((path) => [...read(path).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = ""]) => {
      if (/^[a-z]+:/.test(target)) return [];
      const [file = "", anchor] = target.split("#");
      const resolved = file === "" ? path : posix.join(posix.dirname(path), file);
      if (!exists(resolved)) return [`${path}: ${target}`];
      return anchor === undefined || anchorsOf(resolved).has(anchor) ? [] : [`${path}: ${target} (no such heading)`];
    }));
    expect(broken).toEqual([]);
  });

  test("name files that exist", () => {
    const named = /`((?:common|init|sidecar|cli|proxy|policies|bench|demo|scripts|tools|test|docs|bin)\/[\w./-]+\.(?:ts|mjs|md|rego|json|yaml))`/g;
    const missing = documents().flatMap((path) => [...read(path).matchAll(named)].flatMap(([, file = ""]) => (exists(file) ? [] : [`${path}: ${file}`])));
    expect(missing).toEqual([]);
  });

  test("show only npm scripts that exist", () => {
    const unknown = documents().flatMap((path) => [...read(path).matchAll(/npm run (?:--silent )?([a-z][a-z:-]*)/g)]
      .flatMap(([, script = ""]) => (script in manifest.scripts ? [] : [`${path}: npm run ${script}`])));
    expect(unknown).toEqual([]);
  });

  test("show only commands of weir that exist", () => {
    const commands = new Set(filesUnder("cli", ".ts").flatMap((path) => [...read(path).matchAll(/\.command\("([a-z-]+)/g)].map(([, name]) => name)));
    const shown = documents().flatMap((path) => [...read(path).matchAll(/(?:^|`|npx )weir ([a-z][a-z-]*)/gm)].map(([, name = ""]) => ({ path, name })));
    expect(shown.filter(({ name }) => !commands.has(name)).map(({ path, name }) => `${path}: weir ${name}`)).toEqual([]);
  });

  test("number the decisions without gaps", () => {
    const numbers = readdirSync(`${ROOT}docs/decisions`).filter((name) => name.endsWith(".md")).map((name) => Number(name.slice(0, 4))).sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});

describe("README.md", () => {
  test("gives a reason for each dependency and for nothing else", () => {
    const section = read("README.md").split(/^## Dependencies$/m)[1]?.split(/^## /m)[0] ?? "";
    const listed = [...section.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    const actual = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies });
    expect(new Set(listed)).toEqual(new Set(actual));
    expect(listed).toHaveLength(actual.length);
  });
});

describe("ARCHITECTURE.md", () => {
  test("lists the ports of common/ports.ts", () => {
    const listed = [...read("ARCHITECTURE.md").matchAll(/^\| `(\w+)` \| (\d{5}) \|/gm)].map(([, name, port]) => `${name} ${port}`);
    expect(listed).toEqual(Object.entries(PORTS).map(([name, port]) => `${name} ${port}`));
  });
});

describe("the path tables of ARCHITECTURE.md", () => {
  test("name every stage of the connection, exchange and DNS paths", () => {
    const stages = ["connection", "exchange", "dns"].flatMap((path) => filesUnder(`proxy/${path}`, ".ts")).filter((path) => /^\s*\* in: /m.test(read(path)));
    const text = read("ARCHITECTURE.md");
    expect(stages.filter((path) => !text.includes(`\`${path}\``))).toEqual([]);
    expect(stages.length).toBeGreaterThan(15);
  });
});

describe("docs/configuration.md", () => {
  test("says what the schemas say; `npm run docs:generate` writes it", () => {
    expect(read("docs/configuration.md")).toBe(renderConfiguration());
  });

  test("says of each setting what it is for", () => {
    const silent = [...read("docs/configuration.md").matchAll(/^\| `([^`]+)` \|.*\|\s+\|$/gm)].map(([, setting]) => setting);
    expect(silent).toEqual([]);
  });
});

describe("docs/credentials-recipes.md", () => {
  test("says what the recipes say; `npm run docs:generate` writes it", () => {
    expect(read("docs/credentials-recipes.md")).toBe(renderRecipes());
  });
});

describe("docs/policy-builtins.md", () => {
  test("says which builtins a policy may call, as the code has them; `npm run docs:generate` writes it", () => {
    expect(read("docs/policy-builtins.md")).toBe(renderBuiltins());
  });
});

describe("the examples of docs/credential-sources.md", () => {
  const examples = [...read("docs/credential-sources.md").matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => parseYaml(text) as Readonly<Record<string, unknown>>);

  test("are grants that the configuration takes", () => {
    const grants = examples.filter((example) => "grants" in example).map(({ grants: shown }) => grantsConfig.safeParse(shown).error?.message ?? "taken");
    expect(grants).toEqual(grants.map(() => "taken"));
    expect(grants.length).toBeGreaterThan(3);
  });

  test("are CredentialGrants that the controller takes", () => {
    const specs = examples.filter((example) => "spec" in example).map(({ spec }) => credentialGrantSpec.safeParse(spec).error?.message ?? "taken");
    expect(specs).toEqual(["taken", "taken"]);
  });
});
