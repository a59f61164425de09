import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { RecordedModelUse } from "../../proxy/model/record.ts";
import { answerPlan, PLAN_HEADER, type AnswerPlan } from "./model-provider/answer-plan.ts";
import { MODEL_HOSTS, startModelProvider, type ModelProvider } from "./model-provider/model-provider.ts";
import { REQUEST_FORMS, type AskedForm, type RequestFormName } from "./model-provider/requests.ts";
import { startStand, type Answered, type Stand, type StandOptions } from "./running-proxy.ts";
import { mintAuthority } from "./tls-authority.ts";
import { exchangesOf } from "./whole-proxy.ts";

/** A whole proxy with budgets, before providers of models that keep their own books. */
export interface BudgetStand {
  readonly stand: Stand;
  readonly provider: ModelProvider;
  /** Sends one request on a connection of its own. @throws Error if the connection was lost before the answer was whole */
  post(form: AskedForm, plan?: Partial<AnswerPlan>, change?: object): Promise<Answered>;
  /** What the audit says of the calls that have ended, in order. */
  uses(): readonly RecordedModelUse[];
  /** Waits until each call that was decided on has ended. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface BudgetStandOptions {
  /** `budgets` of the proxy's configuration. */
  readonly budgets: Record<string, unknown>;
  /** The rest of it. */
  readonly config?: Record<string, unknown>;
  /** Added to each host's entry of the policy. */
  readonly entry?: Record<string, unknown>;
  readonly directory?: string;
}

/** Budgets that apply to everybody whatever policy says. */
export function aUsdBudget(limit: string, more: object = {}): Record<string, unknown> {
  return { named: { cap: { meter: "usd", limit, window: "total", applies: "always", ...more } } };
}

export async function startBudgetStand({ budgets, config = {}, entry = {}, directory }: BudgetStandOptions): Promise<BudgetStand> {
  const authority = await mintAuthority();
  const provider = await startModelProvider(await authority.leaf(MODEL_HOSTS));
  const options: StandOptions = {
    authority, config: { budgets, ...config }, ...(directory === undefined ? {} : { directory }),
    policyData: { hosts: MODEL_HOSTS.map((name) => ({ name, rule: "models", methods: ["GET", "POST"], paths: ["/**"], websocket: true, when_short: "refuse", ...entry })) },
    routes: MODEL_HOSTS.map((name) => ({ name, port: 443, dialPort: provider.port })),
  };
  const stand = await startStand(options).catch(async (error: unknown) => {
    await provider.close();
    throw error;
  });
  const closed = () => exchangesOf(stand.records, "closed");
  return {
    stand, provider,
    post: async (form, plan = {}, change = {}) => postOn(await stand.open(form.host), form, { plan, change }),
    uses: () => closed().flatMap(({ modelUse }) => modelUse ?? []),
    settled: async () => {
      const decided = exchangesOf(stand.records, "decided").map(({ exchangeId }) => exchangeId);
      for (;;) {
        const over = new Set(closed().map(({ exchangeId }) => exchangeId));
        if (decided.every((id) => over.has(id))) return;
        await new Promise(setImmediate);
      }
    },
    stop: async () => {
      await stand.stop();
      await provider.close();
    },
  };
}

async function postOn(socket: Duplex, { host, path, headers, body }: AskedForm, { plan, change }: { readonly plan: Partial<AnswerPlan>; readonly change: object }): Promise<Answered> {
  const planned = { [PLAN_HEADER]: JSON.stringify(answerPlan.partial().parse(plan)) };
  const sent = request({ createConnection: () => socket, method: "POST", path, headers: { host, "content-type": "application/json", ...headers, ...planned } });
  sent.end(JSON.stringify({ ...body, ...change }));
  try {
    const [answer] = await once(sent, "response") as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks).toString("latin1") };
  } finally {
    socket.on("error", () => undefined).destroy();
  }
}

/** An ordinary request of this API. */
export function aRequest(name: RequestFormName, isStream = false, limit = 50): AskedForm {
  const { model, form } = REQUEST_FORMS[name];
  return form({ model, prompt: "Count from one to ten, please.", isStream, limit });
}
