import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../common/config.ts";
import { FIRST_IDENTITY_UID, SIDECAR_UID } from "../../common/labels.ts";
import { storedEvents, type StoredEvent } from "../support/audit-lines.ts";
import { ADDRESSES, PodLab } from "./lab/pod-lab.ts";

const isRoot = process.getuid?.() === 0;
if (!isRoot && readEnvironment()["CI"] === "1") throw new Error("the identities of containers are told apart by uid: run this tier as root");

const SHELL = FIRST_IDENTITY_UID;
const AGENT = 1_000;
const PROXY_PORT = 15_008;
const [SHELLS, AGENTS] = ["shell.example.test", "agent.example.test"];
const lab = (name: string) => fileURLToPath(new URL(`lab/${name}`, import.meta.url));
/** As a container runtime leaves it to an agent that runs as root in a pod with identities. */
const ROOT_WITHOUT_SETUID = ["setpriv", "--bounding-set", "-setuid,-setgid,-net_admin,-net_raw,-sys_admin", "--inh-caps", "-all", "--no-new-privs", "--"];

/** One pod with an agent and a server of tools, its rules and its sidecar, and a whole node proxy beside it: only the API server is in memory. */
describe.runIf(isRoot)("a pod with an agent and a container of its own identity", () => {
  let pod: PodLab;
  let folder: string;
  /** Of the pod. */
  let uid: string;

  beforeAll(async () => {
    pod = await PodLab.open({ hasRecorder: false });
    folder = join(pod.folder, "proxy");
    mkdirSync(folder);
    uid = await startProxy();
    pod.applyRules({ containers: `shell:${SHELL}`, sidecarUid: SIDECAR_UID, inbound: "none" });
    await pod.startSidecar("--container", "shell=0");
    copyFileSync(join(folder, "pod-token"), join(pod.folder, "token"));
    copyFileSync(join(folder, "boundary-ca.pem"), join(pod.folder, "ca.pem"));
  });
  afterAll(async () => { await pod?.close(); });

  async function startProxy(): Promise<string> {
    const program = [process.execPath, lab("node-proxy-program.ts"), folder, `${ADDRESSES.node[4]}:${PROXY_PORT}`, ADDRESSES.pod[4]];
    const proxy = pod.start(pod.node, program);
    const ended = once(proxy, "exit").then(() => { throw new Error("the proxy ended"); });
    const [line] = await Promise.race([once(proxy.stdout ?? proxy, "data"), ended]) as [Buffer];
    ended.catch(() => undefined);
    return line.toString().trim();
  }

  /** What a program of that user in the pod gets from https://NAME/. */
  function ask(user: readonly string[], name: string, ...port: string[]): string {
    return pod.pod.run(user[0] ?? "", ...user.slice(1), "python3", "-c", readFileSync(lab("ask.py"), "utf8"), name, join(pod.folder, "ca.pem"), ...port).trim();
  }
  const asUser = (user: number) => pod.asUser(user);

  async function stored(isWanted: (event: StoredEvent) => boolean): Promise<StoredEvent[]> {
    const found: StoredEvent[] = [];
    for await (const event of storedEvents(join(folder, "state", "audit"))) if (isWanted(event)) found.push(event);
    return found;
  }
  const ofHost = (host: string) => stored(({ http_request: request, unmapped }) => request?.url?.hostname === host && unmapped?.weir?.phase === "decided");

  test("lets the container do what its own policy says, under its own name, with thread and pod in the record", async () => {
    expect(ask(asUser(SHELL), SHELLS)).toBe("200");
    const [event] = await ofHost(SHELLS);
    expect(event).toMatchObject({
      ai_agent: { uid: "agents/coder.shell", instance_uid: `${uid}/shell` },
      unmapped: { weir: { thread: "t7", pod: "weir-t7", pod_uid: uid, policy_allowed: true } },
    });
  });

  test("lets the agent do what the agent's policy says, under the agent's name, whatever uid it runs as", async () => {
    for (const user of [asUser(AGENT), asUser(0), ROOT_WITHOUT_SETUID]) expect(ask(user, AGENTS)).toBe("200");
    const events = await ofHost(AGENTS);
    expect(events).toHaveLength(3);
    const who = { ai_agent: { uid: "agents/coder", instance_uid: uid }, unmapped: { weir: { thread: "t7", pod: "weir-t7", pod_uid: uid } } };
    for (const event of events) expect(event).toMatchObject(who);
  });

  test("gives neither the rights of the other", () => {
    for (const user of [asUser(AGENT), asUser(0), ROOT_WITHOUT_SETUID]) expect(ask(user, SHELLS)).toMatch(/ALERT/);
    expect(ask(asUser(SHELL), AGENTS)).toMatch(/ALERT/);
  });

  test.each([
    ["the container's door", "15002", "ECONNREFUSED"],
    ["the agent's own door", "15001", "ECONNRESET"],
  ])("lets the agent take no name by dialling %s of the sidecar", (_what, port, end) => {
    for (const user of [asUser(AGENT), asUser(0), ROOT_WITHOUT_SETUID]) expect(ask(user, SHELLS, port)).toBe(end);
  });

  test("lets the agent not become the container's user", async () => {
    const become = `import os\ntry:\n  os.setuid(${SHELL}); print("became")\nexcept OSError as e:\n  print(e.strerror)`;
    for (const user of [asUser(AGENT), asUser(0), ROOT_WITHOUT_SETUID]) {
      expect(pod.pod.run(user[0] ?? "", ...user.slice(1), "python3", "-c", become).trim()).toBe("Operation not permitted");
    }
    const names = (await ofHost(SHELLS)).map(({ ai_agent: agent }) => agent?.uid);
    expect(new Set(names)).toEqual(new Set(["agents/coder.shell"]));
  });

  test("sends nothing past the proxy", () => {
    expect(pod.leaks()).toEqual({ fromPod: 0, outside: 0 });
  });
});
