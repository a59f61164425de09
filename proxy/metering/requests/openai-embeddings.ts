import type { Fields } from "./fields.ts";
import { Reading, type ReadingContext } from "./reading.ts";

/** `POST /v1/embeddings`: input alone. Texts or lists of token numbers; each is at least a byte for each token. */
export function readOpenAiEmbeddings(body: Fields, { route }: ReadingContext): Reading {
  const reading = new Reading();
  reading.model(route.model ?? body.text("model"));
  reading.hasOutput = false;
  reading.perChoice = 0;
  return reading;
}
