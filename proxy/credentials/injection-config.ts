import * as z from "zod";

/** Fields that say how the message is framed, where it goes or what the answer looks like: setting them would change more than who is asking. */
const FRAMING = new Set(["host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "expect", "proxy-connection",
  "accept-encoding", "range", "if-range", "sec-websocket-extensions", "sec-websocket-key"]);
/** They are written into logs and links of others; a secret has no business there. */
const TELLTALE = new Set(["referer", "origin", "user-agent", "from", "via"]);

const fieldName = z.string().max(128).regex(/^[a-z0-9][a-z0-9-]*$/, "must be a header name in lower case")
  .refine((name) => !FRAMING.has(name) && !name.startsWith("x-weir-"), "must not be a header of framing or routing, or Weir's own")
  .refine((name) => !TELLTALE.has(name), "is a header that others write down");
const userName = z.string().regex(/^[\x20-\x39\x3b-\x7e]{0,256}$/, "must be printable ASCII without a colon");
const bodyLimitBytes = z.number().int().min(1_024).max(64 * 1024 * 1024).default(1024 * 1024);

const headerInjection = z.strictObject({
  type: z.literal("header").default("header"),
  header: fieldName.default("authorization").describe("Header field that is set; whatever the agent sent in it is gone."),
  basicUser: userName.optional().describe("If set, `{secret}` stands for base64 of `basicUser:secret` (HTTP Basic); see also the types `basic` and `git`."),
  format: z.string().max(256).regex(/^[\x20-\x7e]*$/, "must be printable ASCII").refine((text) => text.split("{secret}").length === 2, "must contain {secret} once").optional()
    .describe("Value of the field; `{secret}` is replaced. Default `Bearer {secret}`, or `Basic {secret}` with basicUser."),
});

const basicInjection = z.strictObject({
  type: z.literal("basic"),
  user: userName.optional().describe("User of HTTP Basic; left out: the `username` that the source gives. The password is the source's `password`, or its one value."),
});

const queryInjection = z.strictObject({
  type: z.literal("query"),
  parameter: z.string().regex(/^[A-Za-z0-9_.~-]{1,128}$/, "must be a name of unreserved characters").describe("Query parameter that is set; all of the agent's of that name are gone, however written."),
});

const cookieInjection = z.strictObject({
  type: z.literal("cookie"),
  name: z.string().regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/, "must be a cookie name (RFC 6265 §4.1.1)").describe("Cookie that is sent; it is the only one: the agent's are gone."),
});

/** Which user the forges want beside a token (their documentation of git over HTTPS). */
export const FORGE_USERS = { github: "x-access-token", gitlab: "oauth2", bitbucket: "x-token-auth" } as const;

const gitInjection = z.strictObject({
  type: z.literal("git"),
  forge: z.enum(["github", "gitlab", "bitbucket"]).default("github").describe("Whose git over HTTPS it is: says which user stands beside the token."),
  user: userName.optional().describe("The user, where it is another one (a forge of one's own)."),
});

const region = z.string().regex(/^(?:\*|[a-z0-9-]{1,64})$/, "must be a region, or `*`");

const awsInjection = z.strictObject({
  type: z.literal("aws-sigv4"),
  regions: z.array(region).min(1).max(64).describe("Regions for which requests are signed; `*` is any."),
  services: z.array(z.string().regex(/^[a-z0-9-]{1,64}$/, "must be the name of a service as signatures have it, like `s3`")).min(1).max(64).describe("Services for which requests are signed."),
  copiesObjects: z.boolean().default(false).describe("True: requests to S3 may name an object as their source (`x-amz-copy-source`), any that the key may read, whatever `bind` says."),
  bodyLimitBytes: bodyLimitBytes.describe("Largest request body that is held back to be signed, in bytes; bodies for S3 stream by unsigned."),
});

const clientCertificateInjection = z.strictObject({
  type: z.literal("client-certificate"),
});

const place = z.enum(["header", "path", "query", "json", "websocket"]);

const placeholderInjection = z.strictObject({
  type: z.literal("placeholder"),
  in: z.array(place).min(1).max(5).describe("Where placeholders are replaced: fields named in `headers`, segments of the path, values of the query, a JSON body, text messages of a WebSocket."),
  headers: z.array(fieldName).max(16).default([]).describe("Header fields in which placeholders are replaced, inside of HTTP Basic too."),
  placeholder: z.string().regex(/^[A-Za-z0-9._~:{}-]{12,512}$/, "must be 12 to 512 letters, digits and `._~:{}-`").optional()
    .describe("What is replaced; left out: the dummies that `env` of the grant sets."),
  bodyLimitBytes: bodyLimitBytes.describe("Largest JSON body that is held back, in bytes."),
  messageLimitBytes: z.number().int().min(1_024).max(16 * 1024 * 1024).default(1024 * 1024).describe("Largest text message that is held back, in bytes; a larger one ends the WebSocket."),
}).refine(({ in: places, headers }) => places.includes("header") === headers.length > 0, { error: "`header` and a list of headers belong together", path: ["headers"] });

const postgresInjection = z.strictObject({
  type: z.literal("postgres"),
  username: z.string().min(1).max(63).optional().describe("User that the boundary logs in as; left out: the `username` that the source gives. The password is the source's `password`, or its one value."),
});

/** How a grant puts its secret into a request, or logs in with it. `type` may be left out for a header. */
export const injectionConfig = z.preprocess((value) => (typeof value === "object" && value !== null && !("type" in value) ? { type: "header", ...value } : value),
  z.discriminatedUnion("type", [
    headerInjection, basicInjection, queryInjection, cookieInjection, gitInjection, awsInjection, clientCertificateInjection, placeholderInjection, postgresInjection,
  ]));
export type InjectConfig = z.output<typeof injectionConfig>;
/** The configuration of one way of injection. */
export type InjectChoice<T extends InjectConfig["type"]> = Extract<InjectConfig, { type: T }>;
