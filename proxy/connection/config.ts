import * as z from "zod";

export const connectionConfig = z.strictObject({});
export type ConnectionConfig = z.output<typeof connectionConfig>;
