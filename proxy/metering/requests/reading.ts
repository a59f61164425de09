import type { Explanation } from "../../errors.ts";
import type { UnreadOfModel } from "../../model/readings.ts";
import type { HeaderList } from "../../model/request.ts";
import type { ModelRoute } from "../recognise.ts";
import { malformed, type Fields } from "./fields.ts";
import type { Edit } from "./splice.ts";

/** What a reader of one API is given beside the body. */
export interface ReadingContext {
  readonly route: ModelRoute;
  readonly headers: HeaderList;
}

/** Tokens around a prompt that are not in the body: roles, a provider's own few lines, the text that explains a form of output. */
const FRAME_TOKENS = 512;
/** Of the text that explains to the model what tools are: at Anthropic, up to 804. */
const TOOLS_TOKENS = 1_024;
/** Of a tool that the provider itself describes to the model: a computer, an editor, a shell. */
const BUILT_IN_TOOL_TOKENS = 1_500;
/** As the price table's patterns expect them; what has other characters is no model of anybody. */
const MODEL_NAME = /^[\x21-\x7e]{1,200}$/;

/** That may answer one request; OpenRouter takes three. Each is looked up in the price table. */
const MODELS_LIMIT = 32;

/** What would limit how often the provider runs tools of its own, where the request leaves that to the model. */
export interface ToolLimit {
  /** What one call more of each such tool comes to: questions to the model, and fees. */
  readonly rounds: number;
  readonly webSearches: number;
  readonly fileSearches: number;
  readonly edits: (calls: number) => readonly Edit[];
  /** Why the cost cannot be told without a limit. */
  readonly problem: Explanation;
}

/** What a request says, filled in by the reader of its API: everything that its cost depends on. */
export class Reading {
  /** The model, and those that may answer in its place. */
  readonly models: string[] = [];
  /** Names of the tools that are offered, and types of those that the provider runs. */
  readonly toolNames: string[] = [];
  /** What else something may bring that the request only names. */
  readonly unread: UnreadOfModel[] = [];
  isStream = false;
  /** False for APIs that answer with no text. */
  hasOutput = true;
  /** Most tokens of one choice, as the request says it. */
  perChoice: number | null = null;
  choices = 1;
  /** How often the provider may ask the model, of itself, before it answers: each time with everything before. */
  rounds = 1;
  /** The least limit that the API takes. */
  leastPerChoice = 1;
  /** What sets the limit of one choice; null where that cannot be done. It is kept while the answer streams, and must keep nothing of the request. */
  limitEdits: (tokens: number) => readonly Edit[] | null = () => null;
  /** What makes a stream tell its usage; empty where it does, or the agent asked. */
  readonly usageEdits: Edit[] = [];
  /** Bytes of the body that are data of images, and the most tokens that those come to. */
  imageBytes = 0;
  imageTokens = 0;
  frameTokens = FRAME_TOKENS;
  hasMedia = false;
  /** True if the prompt has parts that are not in the body: only the model's context window bounds them. */
  isOpenEnded = false;
  /** Of the window, if the request asks for a larger one than the table knows. */
  windowTokens = 0;
  hasAudioOutput = false;
  webSearches = 0;
  fileSearches = 0;
  /** Null where the request says it itself, has no such tools, or its API no such limit. */
  toolLimit: ToolLimit | null = null;
  /** What puts that limit in. */
  toolEdits: readonly Edit[] = [];
  cacheWrites: "none" | "5m" | "1h" = "none";
  /** The first that makes the cost unknowable. */
  problem: Explanation | null = null;

  /** @throws EgressError `request.malformed` for what can be no name */
  model(name: string | null): void {
    if (name === null || !MODEL_NAME.test(name)) throw malformed("it names no model");
    if (!this.models.includes(name) && this.models.push(name) > MODELS_LIMIT) throw malformed(`it names more than ${MODELS_LIMIT} models`);
  }

  /** Leaves to something stored what policy cannot read. */
  leaves(part: UnreadOfModel): void {
    if (!this.unread.includes(part)) this.unread.push(part);
  }

  /** @param data of the image in the body, empty for one that is elsewhere @param ceilingTokens most that this provider counts for one */
  image(data: string, ceilingTokens: number): void {
    // Its letters in the body are never fewer: escapes only add to them.
    this.imageBytes += data.length;
    this.imageTokens += ceilingTokens;
    this.hasMedia = true;
  }

  /** Something that is elsewhere, or whose tokens do not follow from its size: a file, a recording, an earlier answer. */
  reference(): void {
    this.isOpenEnded = true;
    this.hasMedia = true;
  }

  /** Once for any number of them. */
  tools(): void {
    this.frameTokens = Math.max(this.frameTokens, FRAME_TOKENS + TOOLS_TOKENS);
  }

  /** One that the provider describes in its own words. */
  builtInTool(): void {
    this.frameTokens += BUILT_IN_TOOL_TOKENS;
  }

  /** Tools of the provider's run so often. */
  toolCalls(calls: number, each: Pick<ToolLimit, "rounds" | "webSearches" | "fileSearches">): void {
    this.rounds += calls * each.rounds;
    this.webSearches += calls * each.webSearches;
    this.fileSearches += calls * each.fileSearches;
  }

  /** The same request, once its tools were given a limit. */
  limitedTo(calls: number, limit: ToolLimit): Reading {
    const limited = Object.assign(new Reading(), this, { toolLimit: null, toolEdits: limit.edits(calls) });
    limited.toolCalls(calls, limit);
    return limited;
  }

  /** The cost cannot be told because of a parameter. */
  unbound(parameter: string, why: string, hint?: string): void {
    this.problem ??= unknownCost(parameter, why, hint);
  }
}

/** Each of these fields, if it is there and not switched off, makes the cost unknowable. */
export function refuseFields(body: Fields, why: Readonly<Record<string, string>>, reading: Reading): void {
  for (const [parameter, reason] of Object.entries(why)) if (body.has(parameter) && body.get(parameter) !== false) reading.unbound(parameter, reason);
}

export function unknownCost(parameter: string, why: string, hint = `Leave \`${parameter}\` out.`): Explanation {
  return { rule: "metering.unbounded", reason: `What this request may cost is unknown: \`${parameter}\` ${why}.`, hint };
}

/** Tiers at the listed price or below it. What is dearer has no price in the table. */
const LISTED_TIERS = new Set(["auto", "default", "standard", "standard_only", "flex", "batch", "on_demand"]);

/** @param tier as written; other APIs write it in capitals */
export function readTier(reading: Reading, parameter: string, tier: string | null): void {
  if (tier !== null && !LISTED_TIERS.has(tier.toLowerCase())) reading.unbound(parameter, "asks for a service tier that the price table does not know");
}
