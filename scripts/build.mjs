// Bundles each program into one file under dist/. Runs on any Node that npm runs on.
import { build } from "esbuild";

const programs = { weir: "cli/weir.ts", stage: "cli/sandbox/stage.ts", init: "init/main.ts", proxy: "proxy/serve.ts" };

/** CommonJS packages inside an ES module bundle still call require() for Node's own modules. */
const requireShim = 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

const common = {
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node24",
  // A native addon cannot be bundled; it is loaded from node_modules, or from beside the bundle in an image.
  external: ["koffi"],
  sourcemap: "linked",
  logLevel: "warning",
};

await build({
  ...common,
  entryPoints: Object.entries(programs).map(([out, entry]) => ({ in: entry, out })),
  outExtension: { ".js": ".mjs" },
  format: "esm",
  banner: { js: requireShim },
});

// A script rather than a module: 0.3 MB less for each agent, and there is one sidecar for each.
await build({ ...common, entryPoints: [{ in: "sidecar/main.ts", out: "sidecar" }], outExtension: { ".js": ".cjs" }, format: "cjs" });
