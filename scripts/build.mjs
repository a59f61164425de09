// Bundles each program into one file under dist/. Runs on any Node that npm runs on.
import { isBuiltin } from "node:module";
import { build } from "esbuild";

const programs = { weir: "cli/weir.ts", stage: "cli/sandbox/stage.ts", init: "init/main.ts", redirect: "init/node/serve.ts", proxy: "proxy/serve.ts", "policy-thread": "proxy/policy/policy-thread.ts", "bundle-thread": "proxy/policy/bundles/bundle-thread.ts", "ledger-thread": "common/ledger/ledger-thread.ts", controller: "controller/serve.ts" };

/** CommonJS packages inside an ES module bundle still call require() for Node's own modules. */
const requireShim = 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

/** Loaded at run time. Every other import is in the bundle: what Node looks up by name it also looks up in the folders above, where an agent may write. */
const external = ["koffi", "@electric-sql/pglite"];

/**
 * 17 MB that only a kubeconfig needs: a bundle of its own beside the programs, read by its path when there is one. The images are without it,
 * because pods use their service account.
 */
const kubeconfigLibrary = { name: "@kubernetes/client-node", file: "./kubernetes-client.mjs" };
const besideTheProgram = {
  name: "beside-the-program",
  setup(building) {
    building.onResolve({ filter: new RegExp(`^${kubeconfigLibrary.name}$`) }, () => ({ path: kubeconfigLibrary.file, external: true }));
  },
};

const common = {
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node24",
  // A native addon, and a database whose program and data are files, cannot be bundled; they are loaded from node_modules, or from beside the bundle in an image.
  external,
  // Dependencies try them, for colours and for speed, and do without.
  alias: { "supports-color": "./scripts/no-module.cjs", bufferutil: "./scripts/absent-module.cjs", "pg-native": "./scripts/absent-module.cjs", "utf-8-validate": "./scripts/absent-module.cjs" },
  metafile: true,
  sourcemap: "linked",
  logLevel: "warning",
};

const asModules = { ...common, outExtension: { ".js": ".mjs" }, format: "esm", banner: { js: requireShim } };
const modules = await build({ ...asModules, plugins: [besideTheProgram], entryPoints: Object.entries(programs).map(([out, entry]) => ({ in: entry, out })) });
const library = await build({ ...asModules, entryPoints: [{ in: kubeconfigLibrary.name, out: "kubernetes-client" }] });

// A script rather than a module: 0.3 MB less for each agent, and there is one sidecar for each.
const script = await build({ ...common, entryPoints: [{ in: "sidecar/main.ts", out: "sidecar" }], outExtension: { ".js": ".cjs" }, format: "cjs" });

const left = [modules, library, script].flatMap(({ metafile }) => Object.values(metafile.outputs)).flatMap(({ imports }) => imports)
  .filter((one) => one.external && !isBuiltin(one.path) && ![...external, kubeconfigLibrary.file].includes(one.path)).map((one) => one.path);
if (left.length > 0) throw new Error(`not in the bundle, and looked up when it runs: ${[...new Set(left)].join(", ")}`);
