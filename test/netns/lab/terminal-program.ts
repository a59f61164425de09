import { tmpdir } from "node:os";
import { forwardSignals } from "../../../cli/sandbox/forward-signals.ts";
import { startSandbox } from "../../../cli/sandbox/start.ts";

/** `weir run` without its proxy: a command in a sandbox on this terminal. Arguments: folder with a token, home, command. */
const [folder = tmpdir(), home = tmpdir(), ...command] = process.argv.slice(2);
const sandbox = await startSandbox({
  command, cwd: home, home, environment: { PATH: "/usr/bin:/bin", HOME: home, TERM: "dumb" }, proxySocket: `${folder}/proxy.sock`, tokenFile: `${folder}/token`,
  hiddenPaths: [], readOnlyPaths: [], writablePaths: [], unixSockets: "private",
}, new AbortController().signal);
const stopForwarding = forwardSignals((name) => { sandbox.signal(name); });
process.exitCode = await sandbox.exited;
stopForwarding();
