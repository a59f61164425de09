import { describe, expect, test } from "vitest";
import { filesUnder, importsOf, PRODUCT } from "./repository.ts";

const ROOMS = ["cluster", "identity", "names", "policy", "readings", "mcp", "approvals", "credentials", "budget", "metering", "audit", "tls", "upstream", "protocols", "admin"].map((room) => `proxy/${room}`);
const PATHS = ["proxy/connection", "proxy/exchange", "proxy/dns"];
const PROGRAMS = ["init", "sidecar", "cli", "client"];
/** The nouns of the controller: what every room of it may know. */
const RESOURCES = "controller/resources";
/** Files that put the controller together: all of them may see every room. */
const CONTROLLER_ROOTS = ["main", "config", "installation", "caches", "doors", "leader-work"].map((file) => `controller/${file}.ts`);
/** Files that may see all of the proxy: they put it together, or show parts of it to the operator. */
const ROOTS = ["proxy/main.ts", "proxy/doors.ts", "proxy/operator.ts"];

/** The part of the repository that a file belongs to: a program, a room, a path, or a file that stands for itself. */
function partOf(path: string): string {
  const [top = "", second = "", ...deeper] = path.split("/");
  if (top !== "proxy" && top !== "controller") return top;
  return deeper.length === 0 ? path : `${top}/${second}`;
}

/** The import table of ARCHITECTURE.md. "type" = `import type` only: a stage knows what a room promises, never which one it got. */
function mayImport(from: string, to: string): true | "type" | false {
  if (from === to || to === "common") return true;
  if (to === "package.json") return from === "common";
  if (from === "cli") return ROOTS.includes(to) || to === "client";
  if (from.startsWith("controller/")) return mayControllerImport(from, to);
  if (from === "common" || PROGRAMS.includes(from) || !to.startsWith("proxy/")) return false;
  if (ROOTS.includes(from)) return true;
  if (from === "proxy/serve.ts") return to === "proxy/main.ts";
  if (from === "proxy/model") return to === "proxy/errors.ts" ? "type" : false;
  if (from === "proxy/errors.ts") return false;
  if (from === "proxy/config.ts") return ROOMS.includes(to) || PATHS.includes(to);
  if (from === "proxy/rooms.ts") return ROOMS.includes(to) || to === "proxy/model" ? "type" : false;
  if (to === "proxy/model" || to === "proxy/errors.ts") return true;
  if (to === "proxy/config.ts") return "type";
  return PATHS.includes(from) && (ROOMS.includes(to) || to === "proxy/rooms.ts") ? "type" : false;
}

/** A room of the controller knows the resources, and of other rooms what they promise. Compiling policies is the proxy's knowledge. */
function mayControllerImport(from: string, to: string): true | "type" | false {
  if (to === "proxy/operator.ts") return from === "controller/boundary" || CONTROLLER_ROOTS.includes(from);
  if (!to.startsWith("controller/")) return false;
  if (CONTROLLER_ROOTS.includes(from)) return true;
  if (from === "controller/serve.ts") return CONTROLLER_ROOTS.includes(to);
  if (from === RESOURCES) return false;
  if (to === RESOURCES) return true;
  return CONTROLLER_ROOTS.includes(to) ? false : "type";
}

const imports = PRODUCT.flatMap((folder) => filesUnder(folder, ".ts")).flatMap(importsOf);

describe("imports", () => {
  test("follow the table of ARCHITECTURE.md", () => {
    const own = imports.filter(({ to }) => to.includes("/") && (PRODUCT.includes(to.split("/")[0] ?? "")) || to === "package.json");
    const broken = own.filter(({ from, to, isTypeOnly }) => {
      const verdict = mayImport(partOf(from), partOf(to));
      return verdict === false || (verdict === "type" && !isTypeOnly);
    });
    expect(broken.map(({ from, to }) => `${from} must not import ${to}${mayImport(partOf(from), partOf(to)) === "type" ? " but as a type" : ""}`)).toEqual([]);
    expect(own.length).toBeGreaterThan(50);
  });

  test("of a product file never reach tests, scripts, the bench or the demo", () => {
    const outside = imports.filter(({ to }) => /^(test|scripts|bench|demo|tools)\//.test(to));
    expect(outside.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("name Node's modules by `node:`", () => {
    const bare = imports.filter(({ to }) => /^(fs|net|tls|http|http2|https|crypto|path|os|stream|events|util|child_process|url|dns|dgram)(\/|$)/.test(to));
    expect(bare.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("of own files carry their extension", () => {
    const bare = imports.filter(({ from, to }) => to.startsWith(`${from.split("/")[0]}/`) && !/\.(ts|json|mjs)$/.test(to));
    expect(bare.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("keep the sidecar dumb: it can neither end TLS nor read HTTP", () => {
    const clever = imports.filter(({ from, to }) => from.startsWith("sidecar/") && /^(node:(tls|http|https|http2|crypto|vm|worker_threads)|undici|jose)/.test(to));
    expect(clever.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });
});

describe("the import table itself", () => {
  test.each([
    ["proxy/exchange/decide.ts", "proxy/policy/policy-engine.ts", "type"],
    ["proxy/exchange/decide.ts", "proxy/connection/screen.ts", false],
    ["proxy/policy/opa.ts", "proxy/audit/audit-log.ts", false],
    ["proxy/policy/opa.ts", "proxy/errors.ts", true],
    ["proxy/model/agent.ts", "proxy/errors.ts", "type"],
    ["sidecar/relay.ts", "proxy/main.ts", false],
    ["sidecar/relay.ts", "common/preamble.ts", true],
    ["cli/main.ts", "proxy/operator.ts", true],
    ["cli/main.ts", "proxy/audit/chain.ts", false],
    ["common/log.ts", "proxy/errors.ts", false],
    ["init/main.ts", "sidecar/relay.ts", false],
    ["controller/reconcile/apply.ts", "controller/resources/thread.ts", true],
    ["controller/reconcile/apply.ts", "controller/pods/instance-pod.ts", "type"],
    ["controller/reconcile/apply.ts", "proxy/operator.ts", false],
    ["controller/boundary/compile.ts", "proxy/operator.ts", true],
    ["controller/resources/agent.ts", "controller/threads/thread-store.ts", false],
    ["proxy/main.ts", "controller/main.ts", false],
    ["cli/commands/threads.ts", "controller/main.ts", false],
    ["cli/commands/threads.ts", "client/client.ts", true],
  ] as const)("%s -> %s: %s", (from, to, verdict) => {
    expect(mayImport(partOf(from), partOf(to))).toBe(verdict);
  });
});
