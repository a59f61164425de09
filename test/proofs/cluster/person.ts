import { Agent, request } from "undici";
import * as z from "zod";
import { AGENTS, type BoundaryLab } from "../../support/kube/boundary-lab.ts";
import { RELEASE } from "../../support/kube/chart.ts";
import { PERSON } from "./resources.ts";

const DEADLINE_MS = 15_000;
const TOKEN_SECONDS = 3_600;
const NAME = `weir-controller.${RELEASE.namespace}.svc`;

const said = z.object({ seq: z.number(), sender: z.object({ role: z.string() }), body: z.string(), acknowledgedAt: z.string().nullable() });
const threadState = z.object({ phase: z.string().nullable(), unread: z.number() });

/** Somebody who talks to agents by the API of threads, over TLS and with a token of the cluster. */
export interface Person {
  post(thread: string, body: string): Promise<void>;
  /** What the agent said, in order. */
  answers(thread: string): Promise<readonly string[]>;
  thread(thread: string): Promise<z.output<typeof threadState>>;
  close(): Promise<void>;
}

export async function openPerson({ lab }: BoundaryLab): Promise<Person> {
  const inNamespace = ["--namespace", RELEASE.namespace];
  const [address, ca, token] = await Promise.all([
    lab.kubectl([...inNamespace, "get", "service", "weir-controller", "--output", "jsonpath={.spec.clusterIP}"]),
    lab.kubectl([...inNamespace, "get", "configmap", "weir-ca", "--output", "jsonpath={.data.ca\\.crt}"]),
    lab.tokenFor(`${AGENTS}/${PERSON.account}`, { audience: "weir-controller", seconds: TOKEN_SECONDS }),
  ]);
  const dispatcher = new Agent({ connect: { ca, servername: NAME } });
  const call = async (method: "GET" | "POST", path: string, body?: object): Promise<unknown> => {
    const answer = await request(`https://${address}/v1/namespaces/${AGENTS}/threads/${path}`, {
      dispatcher, method, signal: AbortSignal.timeout(DEADLINE_MS),
      headers: { host: NAME, authorization: `Bearer ${token}`, "content-type": "application/json" }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text);
  };
  return {
    post: async (name, body) => { await call("POST", `${name}/messages`, { body }); },
    answers: async (name) => z.object({ messages: z.array(said) }).parse(await call("GET", `${name}/messages`)).messages.filter(({ sender }) => sender.role === "agent").map(({ body }) => body),
    thread: async (name) => threadState.parse(await call("GET", name)),
    close: async () => dispatcher.close(),
  };
}
