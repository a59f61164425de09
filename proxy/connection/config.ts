import * as z from "zod";

const milliseconds = z.number().int().min(1).max(3_600_000);

export const connectionConfig = z.strictObject({
  maxConnections: z.number().int().min(1).max(1_000_000).default(10_000).describe("Open connections of all agents together; one more is refused with `connection.limit`."),
  maxConnectionsPerInstance: z.number().int().min(1).max(100_000).default(1_000).describe("Open connections of one agent instance; also the number that one peer may hold before it is identified."),
  preambleTimeoutMs: milliseconds.default(2_000).describe("Time for the whole preamble to arrive, in milliseconds."),
  serverFirstWaitMs: milliseconds.default(250).describe("Silence after which a connection counts as one where the server speaks first, if policy allows a tunnel there, in milliseconds."),
  firstBytesTimeoutMs: milliseconds.default(5_000).describe("Time for a client's first byte on every other connection, in milliseconds."),
  helloTimeoutMs: milliseconds.default(5_000).describe("Time from the first byte to a whole ClientHello or request method, in milliseconds."),
  helloLimitBytes: z.number().int().min(1_024).max(1 << 20).default(65_536).describe("Largest ClientHello, record headers included, in bytes."),
  handshakeTimeoutMs: milliseconds.default(10_000).describe("Time from the ClientHello to the end of the TLS handshake, in milliseconds."),
  loginTimeoutMs: milliseconds.default(10_000).describe("Time to connect to a database, verify it and log in there in an agent's stead, in milliseconds; also for a cancel request to be taken."),
  tunnelIdleTimeoutMs: z.number().int().min(1_000).max(86_400_000).default(600_000).describe("Time without a byte in either direction after which a tunnel or a session of a database ends, in milliseconds."),
  lingerMs: z.number().int().min(1).max(10_000).default(500).describe("Time that a client gets to read a refusal, and a handler to end after its permission did, in milliseconds."),
});
export type ConnectionConfig = z.output<typeof connectionConfig>;
