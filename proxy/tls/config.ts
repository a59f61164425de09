import * as z from "zod";

export const tlsConfig = z.strictObject({});
export type TlsConfig = z.output<typeof tlsConfig>;
