import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyProgram } from "../../../scripts/images/libraries.ts";
import { AGENTS } from "../../support/kube/boundary-lab.ts";
import { ROOT } from "../../structure/repository.ts";
import { PERSON, SECRETS, thread } from "./resources.ts";
import type { ClusterStage } from "./stage.ts";
import { until, type Story } from "./story.ts";

const EXAMPLE = join(ROOT, "examples/playbook");
const THREAD = "jobs";
const NODE = "/usr/local/bin/node";
const PROGRAMS = { "weir-example-service-runner:1.0.0": "service-runner/runner.mjs", "weir-example-notifier:1.0.0": "notifier/notifier.mjs" } as const;

/** examples/playbook as its README says, with its own manifests: a job that fails makes its agent spawn another one, which has the chat's token and nothing else. */
export async function playPlaybook(stage: ClusterStage, story: Story): Promise<void> {
  await buildImages(stage);
  await stage.kubectl("apply", "--kustomize", join(EXAMPLE, "manifests"));
  await stage.kubectl("wait", "--timeout=30s", "--for=condition=Ready", "agent/service-runner", "agent/notifier");
  await stage.apply(thread(THREAD, "service-runner"));
  await stage.person.post(THREAD, "billing");
  const [answer] = await until("the runner's answer", async () => stage.person.answers(THREAD).then((answers) => answers.length > 0 && answers));
  story.must(answer === "Failed: billing is not healthy: 3 of 5 replicas (exit code 1)\nThe notifier says: told #incidents", `the runner said ${String(answer)}`);
  const [told, ...more] = stage.arrived("/api/chat.postMessage");
  story.must(told?.headers["authorization"] === `Bearer ${SECRETS.chat}` && more.length === 0, "the chat was not told once, with its credential");
  const record = (await stage.events("notifier")).find(({ http_request: request, unmapped }) => request?.url?.hostname === "slack.com" && unmapped?.weir?.phase === "closed");
  story.must(record?.unmapped?.weir?.agent_chain?.join() === `${AGENTS}/service-runner/${THREAD}`, `the record of the chat names the chain ${String(record?.unmapped?.weir?.agent_chain)}`);
  story.must(record?.actor?.user?.name === PERSON.user, "the record of the chat names another user");
  await until("the child's thread is over", async () => !(await stage.kubectl("get", "threads", "--output", "name")).includes(record?.unmapped?.weir?.thread ?? ""));
}

/** As the Dockerfile of the example lays them out, on a base that every lab can make. */
async function buildImages({ lab }: ClusterStage): Promise<void> {
  const rootfs = await mkdtemp(join(tmpdir(), "weir-playbook-"));
  try {
    for (const folder of ["tmp", "etc"]) await mkdir(join(rootfs, folder));
    await writeFile(join(rootfs, "etc/passwd"), "weir:x:65532:65532:weir:/:/nonexistent\n");
    copyProgram(process.execPath, rootfs, NODE);
    await cp(EXAMPLE, join(rootfs, "app"), { recursive: true });
    for (const [reference, program] of Object.entries(PROGRAMS)) await lab.buildImage({ reference, rootfs, entrypoint: [NODE, join("/app", program)], user: "65532:65532" });
  } finally {
    await rm(rootfs, { recursive: true, force: true });
  }
}
