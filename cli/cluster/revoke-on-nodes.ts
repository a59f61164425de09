import { revokeAnswer, type RevokeRequest } from "../../common/operator-door.ts";
import type { DoorAnswer } from "../operator-doors.ts";
import type { Cluster } from "./cluster-connection.ts";
import type { InstallationOptions } from "./cluster-options.ts";
import { listProxies } from "./node-proxies.ts";
import { execInProxy } from "./proxy-exec.ts";

const STATE_FOLDER = "/var/lib/weir";
/** Nodes that are ordered at a time. */
const AT_ONCE = 8;

/** Runs in the proxy's container: posts the order at its door and prints the answer. */
const ORDER = `
const { existsSync, readdirSync } = require("node:fs");
const { request } = require("node:http");
const { join } = require("node:path");
const [state, order] = process.argv.slice(1);
const folder = join(state, "operator");
const fail = (text) => { process.stderr.write(text + "\\n"); process.exitCode = 1; };
const doors = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".sock")) : [];
if (doors.length === 0) fail("the proxy has no door for orders");
for (const name of doors) {
  const sent = request({ socketPath: join(folder, name), path: "/revoke", method: "POST", headers: { host: "operator", "content-type": "application/json" } }, (answer) => {
    if (answer.statusCode !== 200) return fail("the proxy answered " + answer.statusCode);
    answer.on("data", (bytes) => process.stdout.write(bytes)).on("end", () => process.stdout.write("\\n"));
  });
  sent.on("error", (error) => { if (error.code !== "ECONNREFUSED") fail(error.message); });
  sent.end(order);
}`;

/**
 * Orders every node proxy to revoke. The orders go where the proxies are, by `kubectl exec`: whoever may do that may give them, and no port of the
 * proxy takes any.
 */
export async function revokeOnNodes(cluster: Cluster, options: InstallationOptions, wanted: RevokeRequest): Promise<DoorAnswer[]> {
  const waiting = [...await listProxies(cluster)];
  const answers: DoorAnswer[] = [];
  const ask = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { code, out, err } = await execInProxy(next.pod, options, ORDER, [STATE_FOLDER, JSON.stringify(wanted)]);
      const trouble = code === 0 ? null : err.trim().split("\n").at(-1) ?? `kubectl ended with ${code}`;
      answers.push({ proxy: next.node, answer: trouble === null ? readAnswer(out) : null, trouble });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return answers.toSorted((one, other) => (one.proxy < other.proxy ? -1 : 1));
}

/** Its proxy answers one line. */
function readAnswer(out: string): DoorAnswer["answer"] {
  const lines = out.split("\n").filter((line) => line !== "").map((line) => revokeAnswer.parse(JSON.parse(line)));
  return { dropped: lines.reduce((sum, { dropped }) => sum + dropped, 0), isConfirmed: lines.every(({ isConfirmed }) => isConfirmed) };
}
