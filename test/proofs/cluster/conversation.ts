import * as z from "zod";
import type { ClusterStage } from "./stage.ts";
import { SECRETS, thread } from "./resources.ts";
import { until, type Story } from "./story.ts";

const heard = z.object({ status: z.number(), text: z.string() });
/** What agent.mjs answers. */
const report = z.object({ repository: heard, docs: heard, tools: heard.nullable(), notes: z.string(), token: z.string() });
type Report = z.output<typeof report>;

export const REVIEW = { thread: "review", pod: "weir-review", agent: "reviewer" } as const;

/** The answer to the n-th message of the thread. */
export async function ask({ person }: ClusterStage, name: string, message: string, answers: number): Promise<Report> {
  await person.post(name, message);
  const text = await until(`an answer to "${message}"`, async () => (await person.answers(name))[answers - 1]);
  return report.parse(JSON.parse(text));
}

/** A message wakes an agent; it calls an API through its boundary, with a credential that it never sees. */
export async function converse(stage: ClusterStage, story: Story): Promise<void> {
  await stage.apply(thread(REVIEW.thread, REVIEW.agent));
  const { repository, docs, tools, token } = await ask(stage, REVIEW.thread, "first", 1);
  story.must(repository.status === 200, `the agent's request was answered ${repository.status} ${repository.text}`);
  const arrived = stage.arrived(`/repos/weir/${REVIEW.thread}`);
  story.must(arrived.length > 0 && arrived.every(({ headers }) => headers["authorization"] === `Bearer ${SECRETS.github}`), "the destination did not see the credential of OpenBao");
  story.must(token.startsWith("ghp_") && token !== SECRETS.github, `the agent's own token is ${token}`);
  await seesOwnGrants(stage, story, { docs, tools });
  await seesNoSecret(stage, story);
  await isWrittenDown(stage, story);
  const { unread } = await until("the message is acknowledged", async () => stage.person.thread(REVIEW.thread).then((found) => found.unread === 0 && found));
  story.must(unread === 0, "the message stays unread");
}

/** The server of tools has its grant, the agent has its own; neither has the other's. */
async function seesOwnGrants(stage: ClusterStage, story: Story, { docs, tools }: Pick<Report, "docs" | "tools">): Promise<void> {
  const { docs: ofTools, repository } = z.object({ docs: z.unknown(), repository: z.unknown() }).parse(JSON.parse(tools?.text ?? "{}"));
  story.must(ofTools === 200, `the server of tools got ${String(ofTools)} from its own destination`);
  story.must(repository !== 200 && stage.arrived("/repos/weir/tools").length === 0, `the server of tools got ${String(repository)} from the agent's destination`);
  story.must(docs.status !== 200, "the agent reached the destination of its server of tools");
  const seen = stage.arrived("/manual");
  story.must(seen.length === 1 && seen[0]?.headers["authorization"] === `Bearer ${SECRETS.docs}`, "the server of tools did not carry its own credential");
}

/** Environment, files and output of every container, and what the API server and the audit know. */
async function seesNoSecret(stage: ClusterStage, story: Story): Promise<void> {
  const places = await Promise.all([
    stage.exec(`${REVIEW.pod}/agent`, "sh", "-c", "cat /proc/*/environ /workspace/* /weir/trust/* /etc/* 2>/dev/null || true"),
    stage.exec(`${REVIEW.pod}/docs`, "sh", "-c", "cat /proc/*/environ /etc/* 2>/dev/null || true"),
    stage.kubectl("logs", REVIEW.pod, "--all-containers"),
    stage.kubectl("get", "pods,agents,egresspolicies,credentialgrants,threads", "--output", "yaml"),
    stage.lab.kubectl(["--namespace", "weir-system", "logs", "deployment/weir-controller"]),
    stage.lab.kubectl(["--namespace", "weir-system", "logs", "daemonset/weir-proxy"]),
  ]);
  for (const secret of Object.values(SECRETS)) story.must([...places, stage.auditText()].every((text) => !text.includes(secret)), "a secret was seen inside the cluster");
  const identity = await stage.exec(`${REVIEW.pod}/agent`, "sh", "-c", "ls /var/run/weir /var/run/secrets 2>/dev/null || true");
  story.must(identity === "", `the agent sees ${identity}`);
}

async function isWrittenDown(stage: ClusterStage, story: Story): Promise<void> {
  const uid = await stage.kubectl("get", "pod", REVIEW.pod, "--output", "jsonpath={.metadata.uid}");
  for (const [agent, host, grant] of [[REVIEW.agent, "api.github.com", "agents.github"], [`${REVIEW.agent}.docs`, "docs.github.com", "agents.docs"]] as const) {
    const found = (await stage.events(agent)).find(({ http_request: request, unmapped }) => request?.url?.hostname === host && unmapped?.weir?.phase === "closed");
    const { weir } = found?.unmapped ?? {};
    story.must(weir?.thread === REVIEW.thread && weir.pod === REVIEW.pod, `no audit record of ${agent} with thread and pod`);
    story.must(found?.ai_agent?.instance_uid?.split("/")[0] === uid, `the record of ${agent} names another instance`);
    story.must(weir?.credentials?.some((credential) => credential.startsWith(`${grant}@`)) === true, `the record of ${agent} does not name the credential`);
  }
}
