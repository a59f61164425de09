import * as z from "zod";

/** Fields that say how the message is framed, where it goes or what the answer looks like: setting them would change more than who is asking. */
const FRAMING = new Set(["host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "expect", "proxy-connection",
  "accept-encoding", "range", "if-range", "sec-websocket-extensions", "sec-websocket-key"]);

const headerInjection = z.strictObject({
  type: z.literal("header").default("header"),
  header: z.string().max(128).regex(/^[a-z0-9][a-z0-9-]*$/, "must be a header name in lower case")
    .refine((name) => !FRAMING.has(name) && !name.startsWith("x-weir-"), "must not be a header of framing or routing, or Weir's own")
    .default("authorization").describe("Header field that is set; whatever the agent sent in it is gone."),
  basicUser: z.string().regex(/^[\x20-\x39\x3b-\x7e]{0,256}$/, "must be printable ASCII without a colon").optional().describe("If set, `{secret}` stands for base64 of `basicUser:secret` (HTTP Basic; git over HTTPS: `x-access-token`)."),
  format: z.string().max(256).regex(/^[\x20-\x7e]*$/, "must be printable ASCII").refine((text) => text.split("{secret}").length === 2, "must contain {secret} once").optional()
    .describe("Value of the field; `{secret}` is replaced. Default `Bearer {secret}`, or `Basic {secret}` with basicUser."),
});

/** How a grant puts its secret into a request. `type` may be left out for a header. */
export const injectionConfig = z.preprocess((value) => (typeof value === "object" && value !== null && !("type" in value) ? { type: "header", ...value } : value),
  z.discriminatedUnion("type", [headerInjection]));
export type InjectConfig = z.output<typeof injectionConfig>;
