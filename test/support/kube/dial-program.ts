import { connect } from "node:net";
import { encodePreamble, type NewPreamble } from "../../../common/preamble.ts";

/** Dials a node proxy in whatever network it is started in and says a preamble; prints `closed`, `answered` or `silent`. Arguments: host, port, JSON of the preamble. */
const [host = "", port = "", preamble = ""] = process.argv.slice(2);
const DEADLINE_MS = 8_000;

function tell(outcome: string): never {
  process.stdout.write(`${outcome}\n`);
  process.exit();
}

const socket = connect({ host, port: Number(port) }, () => {
  if (preamble !== "") socket.write(encodePreamble(JSON.parse(preamble) as NewPreamble));
  // Whoever is believed gets an answer to this, if only a refusal.
  socket.write("GET / HTTP/1.1\r\nhost: api.github.com\r\n\r\n");
});
socket.setTimeout(DEADLINE_MS, () => tell("silent"));
socket.once("data", () => tell("answered")).once("error", () => tell("closed")).once("close", () => tell("closed"));
