/**
 * Stands for the rules of a pod in a process without one: what it dials goes to the port that the query has for the destination's name, and
 * nothing goes anywhere else. `NODE_OPTIONS=--import=file:///…/capture.mjs?ports={…}` loads it before the program, and in its children.
 */
import net from "node:net";

const ports = JSON.parse(new URL(import.meta.url).searchParams.get("ports") ?? "{}");
const connect = net.Socket.prototype.connect;

/** Node's own modules call it with options and a listener, or with both in one array. */
net.Socket.prototype.connect = function captured(...args) {
  const [options, listener] = Array.isArray(args[0]) ? args[0] : args;
  const port = ports[`${options.host}:${options.port}`];
  if (port === undefined) throw new Error(`nothing stands for ${options.host}:${options.port} here`);
  return connect.call(this, { ...options, host: "127.0.0.1", port }, ...(typeof listener === "function" ? [listener] : []));
};
