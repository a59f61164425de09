import { EgressError } from "../errors.ts";
import type { GrpcReading } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";

/** `application/grpc`, `application/grpc+proto`, `application/grpc-web`, `application/grpc-web-text+proto` … */
const GRPC_TYPE = /^application\/grpc(?:-web(?:-text)?)?(?:\+[a-z0-9.-]+)?(?:\s*;.*)?$/i;
const SERVICE = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/;
const METHOD = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * gRPC (PROTOCOL-HTTP2.md) and gRPC-web (PROTOCOL-WEB.md), by method, path and content type alone.
 * @returns null for every other request
 * @throws EgressError `request.malformed` for one with two content types
 */
export function readGrpc({ method, segments, headers }: RequestHead): GrpcReading | null {
  if (method !== "POST" || segments.length !== 2) return null;
  const types = headers.filter(([name]) => name === "content-type");
  if (!types.some(([, value]) => GRPC_TYPE.test(value.trim()))) return null;
  if (types.length > 1) throw new EgressError("request.malformed", "a gRPC request with two content types");
  const [service = "", name = ""] = segments;
  return SERVICE.test(service) && METHOD.test(name) ? { service, method: name } : null;
}
