import { Duplex } from "node:stream";
import { EgressError } from "../errors.ts";
import type { Answer } from "../model/incoming.ts";

/** The answer of something that must be recorded but is answered by a frame, not by a status: nobody reads it. */
export const silentAnswer: Answer = {
  isStarted: false,
  gone: new EgressError("relay.aborted", "nobody waits for this answer"),
  listen(listener) { listener.onGone(this.gone ?? new EgressError("internal", "unreachable")); },
  refusing() {},
  proceed() {},
  inform() {},
  head() {},
  data() { return true; },
  end() {},
  cut() {},
  upgrade() { return new Duplex(); },
};
