import { createReadStream, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What the proofs read of a stored event: the OCSF fields, by their names there. */
export interface StoredEvent {
  readonly class_uid: number;
  /** Wall clock, milliseconds. */
  readonly time: number;
  readonly http_request?: { readonly http_method?: string; readonly url?: { readonly hostname?: string; readonly path?: string } };
  readonly ai_agent?: { readonly uid?: string; readonly instance_uid?: string };
  readonly actor?: { readonly user?: { readonly name?: string } };
  readonly unmapped?: {
    readonly weir?: {
      readonly kind?: string; readonly phase?: string; readonly policy_allowed?: boolean; readonly thread?: string; readonly pod?: string;
      readonly credentials?: readonly string[]; readonly agent_chain?: readonly string[];
      readonly redactions?: readonly { readonly place: string; readonly reference: string; readonly count: number }[];
    };
  };
  readonly status_code?: string;
  readonly status_detail?: string;
}

/** Every event of a chain, in order, straight from its segment files: the proofs do not trust the reader of the product. */
export async function* storedEvents(directory: string): AsyncGenerator<StoredEvent> {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory).filter((file) => file.endsWith(".jsonl")).toSorted()) {
    for await (const line of createInterface({ input: createReadStream(join(directory, name)) })) {
      if (line !== "") yield JSON.parse(line) as StoredEvent;
    }
  }
}
