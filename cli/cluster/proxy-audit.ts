import { readAuditEvent, type AuditRecord } from "../../proxy/operator.ts";
import type { Cluster } from "./cluster-connection.ts";
import type { InstallationOptions } from "./cluster-options.ts";
import { listProxies } from "./node-proxies.ts";
import { execInProxy } from "./proxy-exec.ts";

const STATE_FOLDER = "/var/lib/weir";
/** Nodes that are asked at a time. */
const AT_ONCE = 4;

/** Runs in the proxy's container, which has no shell: prints the last lines of the chain that hold all of the texts. */
const SEARCH = `
const { createReadStream, readdirSync } = require("node:fs");
const { join } = require("node:path");
const { createInterface } = require("node:readline");
const [folder, limit, ...texts] = process.argv.slice(1);
(async () => {
  const names = readdirSync(folder, { recursive: true }).filter((name) => /(^|\\/)segment-\\d{16}\\.jsonl$/.test(name)).sort().reverse();
  const found = [];
  for (const name of names) {
    const here = [];
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) })) {
      if (!texts.every((text) => line.includes(text))) continue;
      here.push(line);
      if (here.length > limit) here.shift();
    }
    found.unshift(...here);
    if (found.length >= limit) break;
  }
  process.stdout.write(found.slice(-limit).map((line) => line + "\\n").join(""));
})();`;

export interface AuditSearch {
  /** All of them occur in the stored event, literally. */
  readonly texts: readonly string[];
  /** The newest of each node. */
  readonly limit: number;
}

export interface AuditFindings {
  /** Oldest first. */
  readonly records: readonly AuditRecord[];
  /** Nodes that could not be asked, with kubectl's words. */
  readonly troubles: readonly string[];
}

/**
 * Looks into the audit chains of all nodes. They are read where they are, by \`kubectl exec\` in the proxies: whoever may do that may read them, and
 * no port of the proxy shows them.
 */
export async function searchAudit(cluster: Cluster, options: InstallationOptions, search: AuditSearch): Promise<AuditFindings> {
  const waiting = [...await listProxies(cluster)];
  const records: AuditRecord[] = [];
  const troubles: string[] = [];
  const ask = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { code, out, err } = await execInProxy(next.pod, options, SEARCH, [STATE_FOLDER, String(search.limit), ...search.texts]);
      if (code === 0) records.push(...out.split("\n").flatMap(readLine));
      else troubles.push(`${next.node}: ${err.trim().split("\n").at(-1) ?? `kubectl ended with ${code}`}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return { records: records.toSorted((one, other) => one.timeMs - other.timeMs), troubles: troubles.toSorted() };
}

function readLine(line: string): AuditRecord[] {
  try {
    const record = readAuditEvent(JSON.parse(line));
    return record === null ? [] : [record];
  } catch {
    return [];
  }
}
