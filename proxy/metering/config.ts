import * as z from "zod";

/** How the use of language models is counted. */
export const meteringConfig = z.strictObject({
  bodyLimitBytes: z.number().int().min(1_024).max(256 * 1024 * 1024).default(32 * 1024 * 1024).describe("Largest body of a request to a model, in bytes: it is held back until it is whole, because its cost must be known before it is sent."),
});
export type MeteringConfig = z.output<typeof meteringConfig>;
