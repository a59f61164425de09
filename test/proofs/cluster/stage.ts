import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { storedEvents, type StoredEvent } from "../../support/audit-lines.ts";
import { AGENTS, startBoundaryLab, type BoundaryLab } from "../../support/kube/boundary-lab.ts";
import type { Values } from "../../support/kube/chart.ts";
import type { Arrival } from "../../support/kube/outside-world.ts";
import { openPerson, type Person } from "./person.ts";
import { resources, SECRETS } from "./resources.ts";

const HTTP_ACTIVITY = 4002;

/** An installed Weir with the agents of the proof, somebody to talk to them, and what can be seen from outside. */
export interface ClusterStage extends BoundaryLab {
  readonly person: Person;
  /** kubectl in the namespace of the agents. */
  kubectl(...args: string[]): Promise<string>;
  apply(...objects: object[]): Promise<string>;
  /** What a command in a container printed. @param where `pod/container` */
  exec(where: string, ...argv: string[]): Promise<string>;
  /** Requests that reached the world under this path, a query apart. */
  arrived(path: string): readonly Arrival[];
  /** Audit events of this agent, `agents/NAME`, that are about HTTP requests. */
  events(agent: string): Promise<readonly StoredEvent[]>;
  /** Every byte of the audit chain. */
  auditText(): string;
}

/** @param values of the chart, beyond those that lead to the lab's world */
export async function openClusterStage(print: (line: string) => void, values: Values = {}): Promise<ClusterStage> {
  const boundary = await startBoundaryLab(print, values);
  try {
    return await furnish(boundary);
  } catch (error) {
    await boundary.stop();
    throw error;
  }
}

async function furnish(boundary: BoundaryLab): Promise<ClusterStage> {
  const { lab, world } = boundary;
  const kubectl = async (...args: string[]) => lab.kubectl(["--namespace", AGENTS, ...args]);
  const apply = async (...items: object[]) => lab.kubectl(["apply", "--server-side", "--filename", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  for (const [name, token] of Object.entries(SECRETS)) await world.bao.call("POST", `secret/data/weir/${AGENTS}/${name}`, { data: { token } });
  await apply(...resources());
  for (const kinds of ["agents", "credentialgrants", "egresspolicies"]) {
    await kubectl("wait", "--timeout=30s", `--for=condition=${kinds === "agents" ? "Ready" : "Accepted"}`, kinds, "--all");
  }
  const person = await openPerson(boundary);
  const chain = join(lab.folder, "var-lib/weir/audit");
  return {
    ...boundary, person, kubectl, apply,
    exec: async (where, ...argv) => {
      const [pod = "", container = ""] = where.split("/");
      return kubectl("exec", pod, "--container", container, "--", ...argv);
    },
    arrived: (path) => world.arrivals.filter((seen) => seen.path.split("?")[0] === path),
    events: async (agent) => httpEvents(chain, `${AGENTS}/${agent}`),
    auditText: () => readdirSync(chain).filter((name) => name.endsWith(".jsonl")).map((name) => readFileSync(join(chain, name), "utf8")).join(""),
    stop: async () => {
      await person.close();
      await boundary.stop();
    },
  };
}

async function httpEvents(chain: string, agent: string): Promise<StoredEvent[]> {
  const found: StoredEvent[] = [];
  for await (const event of storedEvents(chain)) if (event.class_uid === HTTP_ACTIVITY && event.ai_agent?.uid === agent) found.push(event);
  return found;
}
