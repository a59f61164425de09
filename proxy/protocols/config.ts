import * as z from "zod";

const http1Config = z.strictObject({
  maxHeadBytes: z.number().int().min(1024).max(65_536).default(16_384).describe("Largest request head accepted, in bytes; a larger one is answered 431."),
  maxHeaderFields: z.number().int().min(8).max(2_000).default(200).describe("Most header fields in one request; more are answered 431, never cut off."),
  headTimeoutMs: z.number().int().min(10).max(60_000).default(10_000).describe("Time for a request's head to arrive once the connection is open or a request has begun, in milliseconds."),
  keepAliveTimeoutMs: z.number().int().min(1_000).max(600_000).default(60_000).describe("Time that a connection without a request stays open, in milliseconds."),
  lingerMs: z.number().int().min(0).max(10_000).default(1_000).describe("Time that an unread request body is discarded after a refusal, so that the agent can read the answer, in milliseconds."),
  lingerBytes: z.number().int().min(0).max(16_777_216).default(262_144).describe("Most bytes of an unread request body that are discarded after a refusal."),
});

const http2Config = z.strictObject({
  maxHeadBytes: z.number().int().min(1024).max(65_536).default(32_768).describe("Largest request head accepted after decompression, in bytes."),
  maxHeaderFields: z.number().int().min(8).max(2_000).default(200).describe("Most header fields in one request."),
  maxConcurrentStreams: z.number().int().min(1).max(1_000).default(100).describe("Requests open at the same time on one connection."),
  maxSessionMemoryMebibytes: z.number().int().min(1).max(256).default(16).describe("Memory for one connection's buffers and headers, in mebibytes."),
  windowBytes: z.number().int().min(65_535).max(4_194_304).default(262_144).describe("Flow-control window of one request body, in bytes: the most that is buffered for it."),
  resetBurst: z.number().int().min(1).max(10_000).default(100).describe("Requests that may be reset before their answer in one go; beyond it the connection ends."),
  resetsPerSecond: z.number().positive().max(1_000).default(10).describe("Requests that may be reset before their answer, per second, on average."),
  controlBurst: z.number().int().min(10).max(100_000).default(200).describe("PING and SETTINGS frames in one go; beyond it the connection ends."),
  controlsPerSecond: z.number().positive().max(10_000).default(20).describe("PING and SETTINGS frames per second, on average."),
  overheadBytesPerSecond: z.number().int().min(1_024).default(262_144).describe("Bytes per second that may arrive without being a request or a body: floods of small frames end the connection."),
  idleTimeoutMs: z.number().int().min(1_000).max(3_600_000).default(120_000).describe("Time that a connection without a request stays open, in milliseconds."),
});

/** What a request may cost before policy has seen it: sizes, counts and times of the wire. */
export const protocolsConfig = z.strictObject({
  http1: http1Config.prefault({}),
  http2: http2Config.prefault({}),
});
export type ProtocolsConfig = z.output<typeof protocolsConfig>;
export type Http1Config = z.output<typeof http1Config>;
export type Http2Config = z.output<typeof http2Config>;
