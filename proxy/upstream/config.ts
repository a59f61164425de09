import * as z from "zod";

export const upstreamConfig = z.strictObject({});
export type UpstreamConfig = z.output<typeof upstreamConfig>;
