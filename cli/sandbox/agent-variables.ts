/** Ways to the host's desktop, agents and daemons. Their sockets are not there; without the names programs do not even look. */
const POINTERS = /^(DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|SSH_AUTH_SOCK|SSH_AGENT_PID|GPG_AGENT_INFO|DBUS_.*|DOCKER_HOST|CONTAINER_HOST|PODMAN_.*|PULSE_SERVER|SESSION_MANAGER|TMUX|STY|TMPDIR|TMP|TEMP)$/;

/**
 * The environment of COMMAND: the request's without pointers at the host, XDG_RUNTIME_DIR at the agent's own.
 * TMPDIR goes too: the system's temporary folder is private and writable, another one may be neither.
 */
export function agentVariables(environment: Readonly<Record<string, string>>, runtimeFolder: string): Record<string, string> {
  const kept = Object.entries(environment).filter(([name]) => !POINTERS.test(name));
  return { ...Object.fromEntries(kept), XDG_RUNTIME_DIR: runtimeFolder };
}
