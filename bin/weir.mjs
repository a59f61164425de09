#!/usr/bin/env node
// Plain JavaScript, so that an old Node can read it and say what it needs instead of failing on syntax.
import { existsSync } from "node:fs";

const [major, minor] = process.versions.node.split(".").map(Number);
if (!(major > 24 || (major === 24 && minor >= 11))) {
  process.stderr.write(`weir: needs Node 26 LTS (24.11 at least); this is ${process.version}.\n` +
    "  The checkout carries the right one: run `npm ci`, then `npx weir ...` (npx finds node_modules/.bin/node first).\n");
  process.exit(69);
}
const program = new URL("../dist/weir.mjs", import.meta.url);
if (!existsSync(program)) {
  process.stderr.write("weir: not built yet. Run `npm run build` in the checkout first.\n");
  process.exit(69);
}
await import(program.href);
