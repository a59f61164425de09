import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface KubectlStandIn {
  /** To be put in front of PATH. */
  readonly folder: string;
  remove(): void;
}

export interface KubectlTargets {
  /** Where `port-forward` leads to, on loopback; without one it fails as kubectl does. */
  readonly port?: number;
  /** State folder of each proxy by its pod's name, for `exec`; another pod's fails as kubectl does. */
  readonly states?: Readonly<Record<string, string>>;
}

/**
 * What the operator's tool asks of kubectl where there is no kubelet to do it: `port-forward` as a relay on loopback, and `exec` of the program
 * that it names, on this machine and with this machine's Node.
 */
export function standInForKubectl({ port, states = {} }: KubectlTargets): KubectlStandIn {
  const folder = mkdtempSync(join(tmpdir(), "weir-kubectl-"));
  const path = join(folder, "kubectl");
  writeFileSync(path, `#!${process.execPath}
const { connect, createServer } = require("node:net");
const { spawnSync } = require("node:child_process");
const port = ${JSON.stringify(port ?? null)}, states = ${JSON.stringify(states)}, args = process.argv.slice(2);
const fail = (text) => { process.stderr.write(text + "\\n"); process.exit(1); };
if (args.includes("port-forward")) {
  if (port === null) fail('Error from server (NotFound): services "weir-controller" not found');
  const [local = "", remote] = args.at(-1).split(":");
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) socket.on("error", () => { client.destroy(); upstream.destroy(); });
    client.on("data", (bytes) => upstream.write(bytes)).on("end", () => upstream.end());
    upstream.on("data", (bytes) => client.write(bytes)).on("end", () => client.end());
  });
  server.listen(local === "" ? 0 : Number(local), "127.0.0.1", () => process.stdout.write("Forwarding from 127.0.0.1:" + server.address().port + " -> " + remote + "\\n"));
} else if (args.includes("exec")) {
  const program = args.slice(args.indexOf("--") + 2);
  const pod = args[args.indexOf("--container") - 1];
  if (!(pod in states)) fail('Error from server (NotFound): pods "' + pod + '" not found');
  const { status, stdout, stderr } = spawnSync(process.execPath, program.map((one) => (one === "/var/lib/weir" ? states[pod] : one)));
  process.stdout.write(stdout); process.stderr.write(stderr); process.exitCode = status;
} else fail("unknown command " + args.join(" "));
`);
  chmodSync(path, 0o755);
  return { folder, remove: () => { rmSync(folder, { recursive: true, force: true }); } };
}
