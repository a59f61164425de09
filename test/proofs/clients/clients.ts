import { join } from "node:path";
import { HOST } from "./destination.ts";

/** A stock program and how it is called; nothing about it knows the boundary. */
export interface Client {
  readonly name: string;
  readonly command: readonly string[];
  /** What its output must hold. */
  readonly expects: RegExp;
  /** Written into the working directory before. */
  readonly files?: Readonly<Record<string, string>>;
}

const URL = `https://${HOST}/echo`;
const HELLO = /hello, you sent/;
const UNDICI = join(import.meta.dirname, "..", "..", "..", "node_modules", "undici", "index.js");
/** Debian's own Python, which has Debian's requests and httpx; a version manager's python3 has not. */
const PYTHON = "/usr/bin/python3";

const node = (name: string, code: string): Client => ({ name, command: ["node", "--input-type=module", "-e", code], expects: HELLO });
const python = (name: string, code: string): Client => ({ name, command: [PYTHON, "-c", code], expects: HELLO });

export const CLIENTS: readonly Client[] = [
  { name: "curl, HTTP/1.1", command: ["curl", "-sS", "--fail", "--http1.1", "-w", "version %{http_version}", URL], expects: /hello, you sent[^]*version 1\.1/ },
  { name: "curl, HTTP/2", command: ["curl", "-sS", "--fail", "--http2", "-w", "version %{http_version}", URL], expects: /hello, you sent[^]*version 2/ },
  { name: "curl, upload with Expect: 100-continue", command: ["curl", "-sS", "--fail", "--http1.1", "-H", "Expect: 100-continue", "-d", "x".repeat(2_000), URL], expects: HELLO },
  { name: "wget", command: ["wget", "-q", "-O", "-", URL], expects: HELLO },
  { name: "git clone", command: ["sh", "-c", `rm -rf clone && git clone -q https://${HOST}/repo.git clone && cat clone/README`], expects: /cloned through the boundary/ },
  node("Node fetch", `const a = await fetch("${URL}"); if (!a.ok) process.exit(1); console.log(await a.text());`),
  node("Node https", `import https from "node:https"; https.get("${URL}", (a) => { a.pipe(process.stdout); if (a.statusCode !== 200) process.exitCode = 1; });`),
  node("Node undici", `import undici from ${JSON.stringify(UNDICI)}; const a = await undici.request("${URL}"); if (a.statusCode !== 200) process.exit(1); console.log(await a.body.text());`),
  python("Python urllib", `import urllib.request; print(urllib.request.urlopen("${URL}", timeout=20).read().decode())`),
  python("Python requests", `import requests; a = requests.get("${URL}", timeout=20); a.raise_for_status(); print(a.text)`),
  python("Python httpx", `import httpx; a = httpx.get("${URL}", timeout=20); a.raise_for_status(); print(a.text)`),
  {
    name: "npm install", files: { "package.json": '{"name":"work","version":"1.0.0"}' },
    command: ["sh", "-c", `rm -rf node_modules .npm package-lock.json; npm install --cache ./.npm --no-audit --no-fund --fetch-retries 0 --registry https://${HOST}/registry/ parcel-of-weir >/dev/null && node -e 'console.log(require("parcel-of-weir")())'`],
    expects: /installed through the boundary/,
  },
];
