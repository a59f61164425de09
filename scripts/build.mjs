// Bundles each program into one file under dist/. Runs on any Node that npm runs on.
import { build } from "esbuild";

const programs = { weir: "cli/main.ts", sidecar: "sidecar/main.ts", init: "init/main.ts", proxy: "proxy/serve.ts" };

/** CommonJS packages inside an ES module bundle still call require() for Node's own modules. */
const requireShim = 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

await build({
  entryPoints: Object.entries(programs).map(([out, entry]) => ({ in: entry, out })),
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  // A native addon cannot be bundled; it is loaded from node_modules, or from beside the bundle in an image.
  external: ["koffi"],
  banner: { js: requireShim },
  sourcemap: "linked",
  logLevel: "warning",
});
