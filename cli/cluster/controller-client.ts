import { createWeirClient, WeirProblem, type WeirClient } from "../../client/client.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { connectController } from "./controller-connection.ts";
import type { ControllerOptions } from "./controller-options.ts";

/** The controller's API as its caller sees it. */
export interface Controller {
  readonly client: WeirClient;
  /** The namespace that is meant. */
  readonly namespace: string;
}

/** Opens the API of the options for as long as the work takes. @throws UserError instead of what the API says */
export async function withController<T>(options: ControllerOptions, work: (controller: Controller) => Promise<T>): Promise<T> {
  const connection = await connectController(options);
  const { url, caPem, serverName, token, namespace } = connection;
  const client = createWeirClient({
    url, token: async () => (await token()).reveal(), ...(caPem === undefined ? {} : { ca: caPem }), ...(serverName === undefined ? {} : { serverName }),
  });
  try {
    return await work({ client, namespace });
  } catch (error) {
    throw controllerTrouble(error, url);
  } finally {
    await client.close();
    await connection.close();
  }
}

/** What is wrong with an answer of the controller, for its caller. Every other error comes back as it is. */
export function controllerTrouble(error: unknown, url: string): unknown {
  if (error instanceof WeirProblem) {
    const { reason, rule, hint, request_id: id } = error.problem;
    const exitCode = error.status >= 500 ? EXIT.unavailable : EXIT.failure;
    return new UserError(`${reason} (rule ${rule})`, `${sentence(hint)}${id === "" ? "" : ` Request ${id}.`}`, exitCode, { cause: error });
  }
  const code = lostConnection(error);
  if (code === null) return error;
  const isUntrusted = /CERT|SELF_SIGNED|UNABLE_TO|TLS/.test(code);
  return new UserError(
    isUntrusted ? `the certificate at ${url} is not the controller's (${code})` : `the controller at ${url} does not answer (${code})`,
    isUntrusted ? "Give the installation's CA with --ca-file." : "`weir doctor --cluster` says what is wrong with it.", EXIT.unavailable, { cause: error },
  );
}

/** The system's or TLS's word for why a request got no answer; null if it is something else. `fetch` wraps what it gets. */
export function lostConnection(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const code: unknown = "code" in error ? error.code : undefined;
  if (typeof code === "string" && /^(E[A-Z]+|UND_ERR_|ERR_TLS|ERR_SSL|.*CERT|UNABLE_TO)/.test(code)) return code;
  const cause = lostConnection(error.cause);
  if (cause !== null || !(error instanceof TypeError && error.message === "fetch failed")) return cause;
  return error.cause instanceof Error ? error.cause.message : "no answer";
}

function sentence(text: string): string {
  return text === "" ? "" : `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/[.]?$/, ".")}`;
}
