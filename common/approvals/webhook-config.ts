import * as z from "zod";

/** Where another service is told of questions. @param attempts for one message, in all */
export function webhookConfig(attempts: { readonly most: number; readonly standard: number }) {
  return z.strictObject({
    url: z.url({ protocol: /^https?$/ }).describe("Is told, by POST, of each question and of what became of it; signed as Standard Webhooks ask."),
    secretFile: z.string().min(1).describe("File with the key of the signatures: `whsec_` and base64 of 24 to 64 bytes."),
    timeoutMs: z.int().min(100).max(60_000).default(5_000).describe("For the answer to one attempt, in milliseconds."),
    attempts: z.int().min(1).max(attempts.most).default(attempts.standard).describe("Most attempts for one message; the pauses between them double from one second up to five minutes."),
    link: z.url({ protocol: /^https?$/ }).optional().describe("Where people answer, put into each message as `link`. Without it a message has ids only."),
  });
}
