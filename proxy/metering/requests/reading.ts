import type { Explanation } from "../../errors.ts";
import type { HeaderList } from "../../model/request.ts";
import type { ModelRoute } from "../recognise.ts";
import { malformed } from "./fields.ts";
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

/** What a request says, filled in by the reader of its API: everything that its cost depends on. */
export class Reading {
  /** The model, and those that may answer in its place. */
  readonly models: string[] = [];
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
  /** What sets the limit of one choice; null where that cannot be done. */
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
  cacheWrites: "none" | "5m" | "1h" = "none";
  /** The first that makes the cost unknowable. */
  problem: Explanation | null = null;

  /** @throws EgressError `request.malformed` for what can be no name */
  model(name: string | null): void {
    if (name === null || !MODEL_NAME.test(name)) throw malformed("it names no model");
    if (!this.models.includes(name)) this.models.push(name);
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

  /** The cost cannot be told because of a parameter. */
  unbound(parameter: string, why: string, hint = `Leave \`${parameter}\` out.`): void {
    this.problem ??= { rule: "metering.unbounded", reason: `What this request may cost is unknown: \`${parameter}\` ${why}.`, hint };
  }
}

/** Tiers at the listed price or below it. What is dearer has no price in the table. */
const LISTED_TIERS = new Set(["auto", "default", "standard", "standard_only", "flex", "batch", "on_demand"]);

/** @param tier as written; other APIs write it in capitals */
export function readTier(reading: Reading, parameter: string, tier: string | null): void {
  if (tier !== null && !LISTED_TIERS.has(tier.toLowerCase())) reading.unbound(parameter, "asks for a service tier that the price table does not know");
}
