// First step of `npm run demo | verify | verify:cluster | proof | bench`: makes a fresh machine ready, then runs the real program on
// the pinned Node. Plain JavaScript, because the Node that npm found may be an old one.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PACKAGES, PROGRAMS } from "./system-packages.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const EXIT_USAGE = 2;
const EXIT_UNAVAILABLE = 69;
/** Debian keeps nft and servers where an ordinary user's PATH does not look. */
const PATH = [process.env.PATH ?? "", "/usr/local/sbin", "/usr/sbin", "/sbin"].join(delimiter);

const [name = "", ...rest] = process.argv.slice(2);
const program = PROGRAMS[name];
if (program === undefined) fail(`usage: node scripts/setup.mjs ${Object.keys(PROGRAMS).join("|")} [ARGUMENT...]`, EXIT_USAGE);

await installNodePackages();
const node = pinnedNode();
await quietly("Building", node, ["scripts/build.mjs"]);
await installSystemPackages();
process.exitCode = await run(node, [program.entry, ...rest]);

/** `npm ci` unless node_modules is at least as new as the lock file. */
async function installNodePackages() {
  const installed = join(ROOT, "node_modules/.package-lock.json");
  const isCurrent = existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(ROOT, "package-lock.json")).mtimeMs;
  if (isCurrent) return;
  // Not this process's Node: it may live in the node_modules that is about to be replaced.
  const npmNode = process.env.npm_node_execpath ?? process.execPath;
  const npm = process.env.npm_execpath;
  const options = ["ci", "--no-audit", "--no-fund"];
  await (npm === undefined ? quietly("Installing packages", "npm", options) : quietly("Installing packages", npmNode, [npm, ...options]));
}

/** The Node of the lock file; on a platform without one, the Node that runs this, if it is fit. */
function pinnedNode() {
  const pinned = join(ROOT, "node_modules/.bin/node");
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split(".")[0]) >= 26) return process.execPath;
  return fail(`There is no pinned Node for ${process.platform}-${process.arch}, and this is ${process.version}. Install Node 26 LTS and try again.`);
}

async function installSystemPackages() {
  const missing = missingPackages([...program.needs, ...program.uses]);
  if (missing.length === 0) return;
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...missing];
  const isDebian = existsSync("/etc/debian_version");
  if (isDebian && process.getuid?.() === 0) {
    await quietly("Reading package lists", "apt-get", ["update", "-q"]);
    await quietly(`Installing ${missing.join(" ")}`, install[0], install.slice(1));
    return;
  }
  const how = isDebian ? `  sudo ${install.join(" ")}` : `  (names of Debian packages) ${missing.join(" ")}`;
  const blocking = missing.filter((each) => program.needs.includes(each));
  if (blocking.length > 0) fail(`This machine lacks ${blocking.join(", ")}. Install, then run \`npm run ${name}\` again:\n${how}`);
  say(`Not installed: ${missing.join(", ")}. What needs them will not run. To install them:\n${how}`);
}

/** Debian packages of the list that are not there, by their command, or by dpkg if they bring none. */
function missingPackages(wanted) {
  const libraries = wanted.filter((each) => PACKAGES[each].command === undefined);
  return [...wanted.filter((each) => PACKAGES[each].command !== undefined && !isOnPath(PACKAGES[each].command)), ...missingLibraries(libraries)];
}

function missingLibraries(names) {
  if (names.length === 0) return [];
  const query = spawnSync("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Abbrev}\\n", ...names], { encoding: "utf8" });
  if (query.error !== undefined) return names;
  const installed = new Set(query.stdout.split("\n").filter((line) => line.trimEnd().endsWith(" ii")).map((line) => line.split(" ")[0]));
  return names.filter((each) => !installed.has(each));
}

function isOnPath(command) {
  return PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Runs a step with one line of output; shows what the step printed only if it fails. */
async function quietly(title, command, args) {
  const startedAtMs = Date.now();
  process.stderr.write(`${title} ... `);
  const child = spawn(command, args, { cwd: ROOT, env: { ...environment(), DEBIAN_FRONTEND: "noninteractive" }, stdio: ["ignore", "pipe", "pipe"] });
  const output = [];
  child.stdout.on("data", (chunk) => output.push(chunk));
  child.stderr.on("data", (chunk) => output.push(chunk));
  const code = await ended(child);
  say(code === 0 ? `${((Date.now() - startedAtMs) / 1000).toFixed(1)} s` : "failed");
  if (code === 0) return;
  process.stderr.write(Buffer.concat(output));
  fail(`\`${[command, ...args].join(" ")}\` ended with ${code}; its output is above.`, 1);
}

async function run(command, args) {
  const child = spawn(command, args, { cwd: ROOT, env: environment(), stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  return await ended(child);
}

/** The pinned Node first, for everything that the program starts in turn. */
function environment() {
  return { ...process.env, PATH: [join(ROOT, "node_modules/.bin"), PATH].join(delimiter) };
}

/** The exit code, by the shell's convention for signals. */
function ended(child) {
  return new Promise((resolve) => {
    child.once("error", (error) => { say(error.message); resolve(127); });
    child.once("close", (code, signal) => { resolve(code ?? (signal === "SIGINT" ? 130 : 143)); });
  });
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function fail(message, exitCode = EXIT_UNAVAILABLE) {
  say(message);
  process.exit(exitCode);
}
