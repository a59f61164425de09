import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { dataOf, type Thread } from "../../client/client.ts";
import { systemClock } from "../../common/clock.ts";
import { EXIT } from "../../common/exit-codes.ts";
import { withController } from "../cluster/controller-client.ts";
import { CONTROLLER_HELP, withControllerOptions, type ControllerOptions } from "../cluster/controller-options.ts";
import { untilInterrupted } from "../interrupted.ts";
import type { Io } from "../io.ts";
import { numberFrom } from "../number-option.ts";
import { readMessage } from "../read-message.ts";
import { oneLine } from "../terminal-text.ts";
import { awaitAnswer } from "../threads/await-answer.ts";
import { eventPrinter, printMessage, printThread, printThreads, standing } from "../threads/print-event.ts";
import { tailThread } from "../threads/tail-thread.ts";
import { listThreads, openThread, postMessage, type ThreadName } from "../threads/thread-calls.ts";

const HELP = `${CONTROLLER_HELP}

Examples:
  weir threads create reviewer -n agents -m 'Look at pull request 12.' --wait
  git diff | weir threads send reviewer-x7k2p --wait
  weir threads tail reviewer-x7k2p -o json | jq -r 'select(.kind == "message") | .message.body'
  weir threads ls -n agents --agent reviewer`;

const SEND_HELP = `
The message is the argument, or standard input if that is missing or \`-\`. It is tried again if the controller does not answer, and taken
once: all tries carry one key. Give --key yourself if you may have to run the command again.

With --wait the first answer of the agent is printed to standard output and nothing else (-o json: the message as JSON); exit code 1 if
none comes in time.`;

interface WaitOptions extends ControllerOptions {
  readonly key?: string;
  readonly wait?: true;
  readonly timeout: number;
}

interface CreateOptions extends WaitOptions {
  readonly title?: string;
  readonly message?: string;
  readonly grants?: readonly string[];
}

interface TailOptions extends ControllerOptions {
  readonly after: number;
  readonly last?: number;
  readonly follow: boolean;
}

export function registerThreads(program: Command, io: Io): void {
  const threads = program.command("threads").summary("open, follow and end threads of a cluster").description("Conversations with the agents of a cluster.");
  threads.addHelpText("after", HELP);
  withControllerOptions(threads.command("ls").alias("list"))
    .description("List threads, the newest first.")
    .option("--agent <name>", "only of this agent")
    .option("--limit <number>", "at most so many", numberFrom(1), 100)
    .action(async (options: ControllerOptions & { agent?: string; limit: number }) => { await list(options, io); });
  withControllerOptions(threads.command("show").argument("<thread>"))
    .description("Show where a thread stands.")
    .action(async (name: string, options: ControllerOptions) => { await show(name, options, io); });
  registerTalk(threads, io);
  withControllerOptions(threads.command("stop").argument("<thread>"))
    .description("Stop the instance that runs now; volume and history stay, and the next message starts another.")
    .action(async (name: string, options: ControllerOptions) => { await end("stop", name, options, io); });
  withControllerOptions(threads.command("delete").argument("<thread>"))
    .description("Delete a thread with its instance; its volumes go or stay as the Agent says.")
    .action(async (name: string, options: ControllerOptions) => { await end("delete", name, options, io); });
}

function registerTalk(threads: Command, io: Io): void {
  waiting(threads.command("create").alias("new").argument("<agent>"))
    .description("Open a thread, with its first message if there is one, and print its name.")
    .option("-m, --message <text>", "first message; `-` reads standard input")
    .option("--title <text>", "what people call it")
    .option("--grants <names>", "the most that it may be lent, separated by commas; default: what its Agent holds", names)
    .addHelpText("after", SEND_HELP)
    .action(async (agent: string, options: CreateOptions) => { await create(agent, options, io); });
  waiting(threads.command("send").argument("<thread>").argument("[message]"))
    .description("Post a message to the agent.")
    .addHelpText("after", SEND_HELP)
    .action(async (name: string, message: string | undefined, options: WaitOptions) => { await send(name, message, options, io); });
  withControllerOptions(threads.command("tail").argument("<thread>"))
    .description("Show what was said, and follow the thread until it ends or you press Ctrl-C. -o json prints one event a line.")
    .option("--after <seq>", "begin after this message", numberFrom(0), 0)
    .option("--last <number>", "only so many of the messages that are there already", numberFrom(0))
    .option("--no-follow", "end after what is there already")
    .action(async (name: string, options: TailOptions) => { await tail(name, options, io); });
}

function names(value: string): readonly string[] {
  return value.split(",").filter((name) => name !== "");
}

function waiting(command: Command): Command {
  return withControllerOptions(command)
    .option("--key <text>", "idempotency key: the same key again does nothing again; default: a new one")
    .option("--wait", "wait for the agent's answer and print it")
    .option("--timeout <seconds>", "how long to wait", numberFrom(1), 600);
}

async function list({ agent, limit, ...options }: ControllerOptions & { agent?: string; limit: number }, io: Io): Promise<void> {
  await withController(options, async ({ client, namespace }) => {
    const threads = await listThreads(client, { namespace, agent, limit });
    if (options.output === "json") return io.out(JSON.stringify({ threads }, null, 2));
    if (threads.length === 0) return io.err(`no thread in ${namespace} that you may see; \`weir threads create AGENT\` opens one`);
    printThreads(threads, io, systemClock.nowMs());
  });
}

async function show(name: string, options: ControllerOptions, io: Io): Promise<void> {
  await withController(options, async ({ client, namespace }) => {
    const thread = dataOf(await client.api.GET("/v1/namespaces/{namespace}/threads/{thread}", { params: { path: { namespace, thread: name } } }));
    if (options.output === "json") io.out(JSON.stringify(thread, null, 2));
    else printThread(thread, io, systemClock.nowMs());
  });
}

async function create(agent: string, options: CreateOptions, io: Io): Promise<void> {
  const message = options.message === undefined && options.wait !== true ? undefined : await readMessage(options.message);
  await withController(options, async (controller) => {
    const { title, grants } = options;
    const wish = {
      agent, ...(title === undefined ? {} : { title }), ...(message === undefined ? {} : { message }), ...(grants === undefined ? {} : { grants: [...grants] }),
    };
    const thread = await openThread(controller.client, controller.namespace, wish, options.key ?? randomUUID());
    if (options.wait === true) {
      io.err(`thread ${thread.name}`);
      return answerOf(thread, 1, { ...controller, options }, io);
    }
    io.out(options.output === "json" ? JSON.stringify(thread, null, 2) : thread.name);
  });
}

async function send(name: string, argument: string | undefined, options: WaitOptions, io: Io): Promise<void> {
  const body = await readMessage(argument);
  await withController(options, async (controller) => {
    const thread = { namespace: controller.namespace, name };
    const message = await postMessage(controller.client, thread, body, options.key ?? randomUUID());
    if (options.wait === true) return answerOf(thread, message.seq, { ...controller, options }, io);
    if (options.output === "json") io.out(JSON.stringify(message, null, 2));
    else io.err(`taken as message ${message.seq} of ${oneLine(name)}`);
  });
}

async function answerOf(
  thread: ThreadName, afterSeq: number, { client, options }: { readonly client: Parameters<typeof awaitAnswer>[0]; readonly options: WaitOptions }, io: Io,
): Promise<void> {
  let stood = "";
  const onChange = (now: Thread) => {
    if (standing(now) !== stood && io.isTerminal) io.err(io.errColors.dim(`-- ${oneLine(standing(now))}`));
    stood = standing(now);
  };
  const answer = await awaitAnswer(client, thread, { afterSeq, timeoutMs: options.timeout * 1_000, onChange, signal: untilInterrupted() });
  if (answer === null) return io.exitWith(EXIT.failure);
  if (options.output === "json") io.out(JSON.stringify(answer, null, 2));
  else if (io.isTerminal) printMessage(answer, io);
  else io.out(answer.body);
}

async function tail(name: string, { after, last, follow, ...options }: TailOptions, io: Io): Promise<void> {
  await withController(options, async ({ client, namespace }) => {
    const wish = { afterSeq: after, last, isFollowed: follow, signal: untilInterrupted() };
    const ended = await tailThread(client, { namespace, name }, wish, eventPrinter(io, options.output));
    if (ended === "thread-ended") io.err(`the thread ${oneLine(name)} has ended, or is no longer yours to read`);
  });
}

async function end(how: "stop" | "delete", name: string, options: ControllerOptions, io: Io): Promise<void> {
  await withController(options, async ({ client: { api }, namespace }) => {
    const params = { path: { namespace, thread: name } };
    if (how === "stop") dataOf(await api.POST("/v1/namespaces/{namespace}/threads/{thread}/stop", { params }));
    else dataOf(await api.DELETE("/v1/namespaces/{namespace}/threads/{thread}", { params }));
    if (options.output === "json") io.out(JSON.stringify({ namespace, name, asked: how }));
    else io.err(`${oneLine(name)}: ${how === "stop" ? "its instance is asked to stop" : "it is being deleted"}`);
  });
}
