import { Fields, isObject, partsOf } from "./fields.ts";
import { imageCeiling, imageData } from "./images.ts";
import type { Reading, ReadingContext } from "./reading.ts";

/** Parts whose text is all that they are. */
const TEXT_PARTS = new Set(["text", "refusal", "input_text", "output_text", "summary_text", "reasoning_text", "thinking"]);

/** The content of a message of OpenAI's APIs: a text, or a list of parts (https://platform.openai.com/docs/api-reference/chat, …/responses). */
export function readOpenAiContent(content: unknown, reading: Reading, context: ReadingContext): void {
  for (const part of partsOf(content)) readOpenAiPart(part, reading, context);
}

export function readOpenAiPart(part: Fields, reading: Reading, context: ReadingContext): void {
  const type = part.text("type") ?? "";
  if (TEXT_PARTS.has(type)) return;
  if (type === "image_url") {
    const image = part.get("image_url");
    if (isObject(image)) readImage(new Fields(image), "url", reading, context);
    else readImage(part, "image_url", reading, context);
  } else if (type === "input_image" || type === "computer_screenshot") {
    readImage(part, "image_url", reading, context);
  } else {
    // Sound and files: their size says nothing of their tokens. Whatever is new is taken for the same.
    reading.reference();
  }
}

function readImage(image: Fields, url: string, reading: Reading, { route }: ReadingContext): void {
  const data = imageData(image.get(url));
  // A file of the provider's is an image too, but nobody here has seen it; what is no image at all may be text.
  if (data === null) reading.reference();
  else reading.image(data, imageCeiling(route.provider, reading.models[0] ?? "", image.get("detail")));
}
