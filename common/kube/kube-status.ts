import { KubeError } from "./kube-api.ts";

/** Longest message taken over from the server, in characters: it goes to logs and conditions. */
const MESSAGE_LIMIT = 1_024;

/** The error for a Status object of the API (or whatever was in its place). @param status HTTP status; 0 to take the object's own code */
export function kubeErrorOf(status: number, body: unknown, what: string): KubeError {
  const fields = typeof body === "object" && body !== null ? body as Record<string, unknown> : {};
  const code = typeof fields["code"] === "number" && status === 0 ? fields["code"] : status;
  const reason = typeof fields["reason"] === "string" ? fields["reason"].slice(0, 128) : "";
  const { message: told } = fields;
  const message = typeof told === "string" && told !== "" ? told.slice(0, MESSAGE_LIMIT) : `the API server answered ${code}`;
  return new KubeError(code, reason, `${what}: ${message}`);
}

/**
 * The error for a call that got no answer, or none that can be read. Reasons: `Timeout`, `Unreachable`, `Untrusted`, `Malformed`, `Oversized`,
 * `Redirected`, `Silent`.
 */
export function noAnswer(reason: string, what: string, detail: string, cause?: unknown): KubeError {
  return new KubeError(0, reason, `${what}: ${detail}`, cause === undefined ? {} : { cause });
}

/** The error for one of the connection. */
export function connectionError(error: unknown, what: string): KubeError {
  if (error instanceof KubeError) return error;
  const code = codeOf(error);
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL/.test(code)) {
    return noAnswer("Untrusted", what, `the API server's certificate is not accepted (${code})`, error);
  }
  return noAnswer("Unreachable", what, `the API server cannot be reached (${code})`, error);
}

function codeOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return typeof code === "string" ? code : error instanceof Error ? error.message.slice(0, 200) : "unknown error";
}
