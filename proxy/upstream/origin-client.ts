import { callbackify } from "node:util";
import { Client, type buildConnector, type Dispatcher } from "undici";

/** One connection slot of a pool: what an exchange must know of the connection that it runs on. */
export interface Seat {
  /** Address of the open connection; empty before the first. */
  remoteAddress: string;
  /** Exchanges that ended well on the open connection: above 0, it was kept alive and may have gone stale. */
  served: number;
}

/** A dispatch handler that is told which connection serves it. */
export interface SeatedHandler extends Dispatcher.DispatchHandler {
  seat: Seat | null;
}

/** Opens one checked connection. */
export type Connect = (seat: Seat) => Promise<Extract<Parameters<buildConnector.Callback>, [null, unknown]>[1]>;

/** undici's client of one connection, which tells each exchange its seat (undici itself does not say which socket serves a request). */
export class OriginClient extends Client {
  readonly #seat: Seat;

  constructor(origin: URL, options: Client.Options, connect: Connect) {
    const seat: Seat = { remoteAddress: "", served: 0 };
    const open = callbackify(connect);
    super(origin, {
      ...options,
      connect: (_options, callback) => {
        open(seat, (error, socket) => {
          if (error === null) callback(null, socket);
          else callback(error, null);
        });
      },
    });
    this.#seat = seat;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    (handler as SeatedHandler).seat = this.#seat;
    return super.dispatch(options, handler);
  }
}
