"""Every way out that an agent may try, one at a time.

Reads one JSON object from the command line: {"mode": "pod"|"local", "node": {"4":…, "6":…}, "own": {"4":…, "6":…}, "device": …, "paths": […], "abstract": […], "port": …}.
For each line on standard input the next attempt is made, and one JSON line says how it ended; an empty list of attempts ends the program.
Further keys: "targets": [[name, address, port], …] to dial and to send datagrams to; "uids": […] to become; "sayings": [[name, address, port, hex], …],
bytes to say there; "at_once": true makes all attempts at the same time, without being asked.
"""
import concurrent.futures, ctypes, errno, json, os, re, socket, struct, subprocess, sys

C = json.loads(sys.argv[1])
POD = C["mode"] == "pod"
DEADLINE = 1.0
OUTSIDE = {4: "93.184.216.34", 6: "2606:2800:220:1::1"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
IPPROTO_MPTCP, IPPROTO_UDPLITE, IPPROTO_DCCP, SOCK_DCCP = 262, 136, 33, 6
IP_FREEBIND, IPV6_FREEBIND, IP_TRANSPARENT, SO_MARK, SO_BINDTODEVICE = 15, 78, 19, 36, 25
IPV6_RTHDR, IPV6_2292PKTOPTIONS, MSG_FASTOPEN = 57, 6, 0x20000000

ATTEMPTS = []


def attempt(name, expect, run):
    """expect: a regular expression that the whole outcome must match."""
    ATTEMPTS.append((name, expect, run))


def outcome(run):
    try:
        return run()
    except socket.timeout:
        return "timeout"
    except subprocess.TimeoutExpired:
        return "timeout"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def talk(sock, address):
    sock.settimeout(DEADLINE)
    sock.connect(address)
    answer = sock.recv(200)
    return answer.decode("latin1").strip() if answer else "closed"


def tcp(family, address, port, prepare=None, kind=socket.SOCK_STREAM, protocol=0):
    def run():
        with socket.socket(FAMILY[family], kind, protocol) as sock:
            if prepare:
                prepare(sock)
            return talk(sock, (address, port))
    return run


def udp(family, address, port, prepare=None, protocol=0, connected=False):
    def run():
        with socket.socket(FAMILY[family], socket.SOCK_DGRAM, protocol) as sock:
            sock.settimeout(DEADLINE)
            if prepare:
                prepare(sock)
            if connected:
                sock.connect((address, port))
                sock.send(b"out?")
            else:
                sock.sendto(b"out?", (address, port))
            return "answered " + sock.recv(200).decode("latin1")
    return run


def relayed(address, port):
    return re.escape(f"relayed {address} {port}")


REFUSED = "EPERM|ECONNREFUSED|ENETUNREACH|EADDRNOTAVAIL|EHOSTUNREACH|EACCES|EINVAL"
UNSUPPORTED = "EPROTONOSUPPORT|ESOCKTNOSUPPORT|EAFNOSUPPORT"

# TCP, whatever the port, the socket type or the source.
for v in (4, 6):
    out, local = OUTSIDE[v], C["own"][str(v)]
    for port in (80, 443, 22, 5432, 853, 8443):
        attempt(f"tcp{v} port {port}", relayed(out, port), tcp(v, out, port))
    attempt(f"tcp{v} own source address", relayed(out, 81), tcp(v, out, 81, lambda s, a=local: s.bind((a, 0))))
    attempt(f"tcp{v} multipath", relayed(out, 82) + "|" + UNSUPPORTED, tcp(v, out, 82, None, socket.SOCK_STREAM, IPPROTO_MPTCP))

    def fast_open(v=v, out=out):
        with socket.socket(FAMILY[v]) as sock:
            # A time-out by the kernel: one by Python would make the socket non-blocking, and then the call does not wait for the handshake.
            for direction in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                sock.setsockopt(socket.SOL_SOCKET, direction, struct.pack("ll", int(DEADLINE), 0))
            sock.sendto(b"first", MSG_FASTOPEN, (out, 83))
            return sock.recv(200).decode().strip()
    attempt(f"tcp{v} fast open", relayed(out, 83), fast_open)
    attempt(f"dns{v} over tcp", relayed(out, 53), tcp(v, out, 53))
    attempt(f"dns{v} over udp", "answered out\\?", udp(v, out, 53))
    attempt(f"dns{v} over udp, connected", "answered out\\?", udp(v, out, 53, connected=True))

attempt("tcp6 mapped IPv4", relayed("93.184.216.34", 84), tcp(6, "::ffff:93.184.216.34", 84))
attempt("metadata 169.254.169.254", relayed("169.254.169.254", 80), tcp(4, "169.254.169.254", 80))
attempt("metadata fd00:ec2::254", relayed("fd00:ec2::254", 80), tcp(6, "fd00:ec2::254", 80))
attempt("DNS over HTTPS 1.1.1.1", relayed("1.1.1.1", 443), tcp(4, "1.1.1.1", 443))
attempt("DNS over TLS 1.1.1.1", relayed("1.1.1.1", 853), tcp(4, "1.1.1.1", 853))
attempt("another node's proxy", relayed("10.78.1.9", 15008), tcp(4, "10.78.1.9", 15008))
attempt("a sidecar port elsewhere", relayed("93.184.216.34", 15001), tcp(4, "93.184.216.34", 15001))
if POD:
    attempt("kubelet", relayed(C["node"]["4"], 10250), tcp(4, C["node"]["4"], 10250))
    attempt("kubelet over IPv6", relayed(C["node"]["6"], 10250), tcp(6, C["node"]["6"], 10250))
    attempt("node proxy without a token", "closed|ECONNRESET|timeout", tcp(4, C["node"]["4"], C["port"]))
    attempt("node proxy over IPv6 without a token", "closed|ECONNRESET|timeout", tcp(6, C["node"]["6"], C["port"]))

# The sidecar itself.
attempt("sidecar directly", "ECONNRESET|closed", tcp(4, "127.0.0.1", 15001))
attempt("sidecar directly over IPv6", "ECONNRESET|closed", tcp(6, "::1", 15001))
for v in (4, 6):
    attempt(f"sidecar at the own address, IPv{v}", "ECONNREFUSED", tcp(v, C["own"][str(v)], 15001))

# Devices and sources of the agent's choosing.
for v in (4, 6):
    device = lambda s: s.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, C["device"].encode() + b"\0")
    loopback = lambda s: s.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"lo\0")
    bound = "timeout|" + REFUSED if POD else relayed(OUTSIDE[v], 85) + "|" + REFUSED
    attempt(f"tcp{v} bound to the device", bound, tcp(v, OUTSIDE[v], 85, device))
    attempt(f"udp{v} bound to the device", "timeout|" + REFUSED, udp(v, OUTSIDE[v], 4433, device))
    attempt(f"dns{v} bound to the device", "answered out\\?|timeout|" + REFUSED, udp(v, OUTSIDE[v], 53, device))
    attempt(f"tcp{v} bound to lo", relayed(OUTSIDE[v], 86) + "|timeout|" + REFUSED, tcp(v, OUTSIDE[v], 86, loopback))
    attempt(f"udp{v} bound to lo", "timeout|" + REFUSED, udp(v, OUTSIDE[v], 4433, loopback))
# A source of 127/8 cannot leave: with a device it is refused, on lo alone it is captured like any other.
attempt("tcp4 source 127.0.0.5", "EINVAL" if POD else relayed("93.184.216.34", 87) + "|EINVAL|timeout", tcp(4, "93.184.216.34", 87, lambda s: s.bind(("127.0.0.5", 0))))


def freebind(v):
    level, option, source = (socket.IPPROTO_IP, IP_FREEBIND, "203.0.113.77") if v == 4 else (socket.IPPROTO_IPV6, IPV6_FREEBIND, "2001:db8:dead::77")

    def prepare(sock):
        sock.setsockopt(level, option, 1)
        sock.bind((source, 0))
    return prepare


for v in (4, 6):
    attempt(f"tcp{v} invented source", "timeout|" + REFUSED, tcp(v, OUTSIDE[v], 88, freebind(v)))
    attempt(f"udp{v} invented source", "timeout|" + REFUSED, udp(v, OUTSIDE[v], 53, freebind(v)))
attempt("source route", "EPERM|EINVAL|timeout", tcp(4, "93.184.216.34", 89, lambda s: s.setsockopt(socket.IPPROTO_IP, 4, b"\x83\x07\x04" + socket.inet_aton("198.51.100.1") + b"\0")))
for kind in (0, 2, 4):
    header = struct.pack("BBBBI", 0, 2, kind, 1, 0) + socket.inet_pton(socket.AF_INET6, "2001:db8::5")
    attempt(f"IPv6 routing header type {kind}", "EPERM|EINVAL|timeout", tcp(6, OUTSIDE[6], 90, lambda s, h=header: s.setsockopt(socket.IPPROTO_IPV6, IPV6_RTHDR, h)))

# Datagrams that are not DNS.
for v in (4, 6):
    for name, port in (("QUIC", 443), ("NTP", 123), ("HTTPS alternative", 8443), ("DNS over QUIC", 853), ("multicast DNS port", 5353)):
        attempt(f"udp{v} {name}", "EPERM|ECONNREFUSED", udp(v, OUTSIDE[v], port))
        attempt(f"udp{v} {name}, connected", "EPERM|ECONNREFUSED", udp(v, OUTSIDE[v], port, connected=True))
    attempt(f"udp-lite{v}", "EPERM|ECONNREFUSED|" + UNSUPPORTED, udp(v, OUTSIDE[v], 53, protocol=IPPROTO_UDPLITE))
if POD:
    attempt("udp to the node", "EPERM|ECONNREFUSED", udp(4, C["node"]["4"], 9999))
    attempt("DNS port of the node", "answered out\\?", udp(4, C["node"]["4"], 53))
    attempt("udp on the proxy's port", "EPERM|ECONNREFUSED", udp(4, C["node"]["4"], C["port"]))
attempt("multicast", "timeout|" + REFUSED, udp(4, "224.0.0.251", 5353))
attempt("IPv6 multicast", "timeout|" + REFUSED, udp(6, "ff02::fb", 5353))
attempt("broadcast", "timeout|" + REFUSED, udp(4, "255.255.255.255", 67, lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)))

# Other protocols.
for v, protocol in ((4, socket.IPPROTO_ICMP), (6, socket.IPPROTO_ICMPV6)):
    def ping(v=v, protocol=protocol):
        with socket.socket(FAMILY[v], socket.SOCK_DGRAM, protocol) as sock:
            sock.settimeout(DEADLINE)
            sock.connect((OUTSIDE[v], 0))
            sock.send(struct.pack("!BBHHH", 8 if v == 4 else 128, 0, 0, 1, 1) + b"data")
            return "answered" if sock.recv(100) else "closed"
    attempt(f"ping{v}", "timeout|" + REFUSED, ping)
    attempt(f"sctp{v}", "timeout|" + REFUSED + "|" + UNSUPPORTED, tcp(v, OUTSIDE[v], 91, None, socket.SOCK_STREAM, socket.IPPROTO_SCTP))
    attempt(f"sctp{v} one to many", "timeout|" + REFUSED + "|" + UNSUPPORTED, tcp(v, OUTSIDE[v], 91, None, socket.SOCK_SEQPACKET, socket.IPPROTO_SCTP))
    attempt(f"dccp{v}", "timeout|" + REFUSED + "|" + UNSUPPORTED, tcp(v, OUTSIDE[v], 92, None, SOCK_DCCP, IPPROTO_DCCP))
    for name, number in (("ICMP", protocol), ("GRE", 47), ("TCP", 6), ("HDRINCL", 255), ("IPIP", 4)):
        def raw(v=v, number=number):
            with socket.socket(FAMILY[v], socket.SOCK_RAW, number) as sock:
                sock.sendto(b"\x45" + b"\0" * 39, (OUTSIDE[v], 0))
                return "sent"
        attempt(f"raw{v} {name}", "EPERM", raw)


def packet():
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300) as sock:
        sock.bind((C["device"], 0x0800))
        sock.send(b"\xff" * 12 + b"\x08\x00" + b"\0" * 50)
        return "sent"


attempt("packet socket", "EPERM|EAFNOSUPPORT", packet)
for name, level, option in (("SO_MARK", socket.SOL_SOCKET, SO_MARK), ("IP_TRANSPARENT", socket.IPPROTO_IP, IP_TRANSPARENT)):
    attempt(name, "EPERM", tcp(4, "93.184.216.34", 93, lambda s, l=level, o=option: s.setsockopt(l, o, 1)))


def vsock():
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as sock:
        sock.settimeout(DEADLINE)
        sock.connect((2, 1024))
        return "connected"


# In a pod the container runtime's seccomp profile closes it; in the sandbox the filter of Weir does.
attempt("vsock", "EAFNOSUPPORT|ENODEV|ECONNRESET|ETIMEDOUT|timeout|EHOSTUNREACH" if POD else "EAFNOSUPPORT", vsock)
for name, family in (("AF_ALG", 38), ("AF_XDP", 44), ("AF_BLUETOOTH", 31), ("AF_CAN", 29), ("AF_RDS", 21), ("AF_TIPC", 30)):
    if not POD:
        attempt(name, "EAFNOSUPPORT", lambda f=family: socket.socket(f, socket.SOCK_RAW, 0) and "created")


# The rules and the namespace.
def command(*words):
    def run():
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=5, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        return "denied" if done.returncode else "done"
    return run


DENIED = "denied|ENOENT|EACCES"
attempt("nft flush", DENIED, command("nft", "flush", "ruleset"))
attempt("nft delete table", DENIED, command("nft", "delete", "table", "inet", "weir"))
attempt("iptables flush", DENIED, command("iptables", "-F"))
attempt("ip address add", DENIED, command("ip", "address", "add", "10.99.0.9/32", "dev", "lo"))
attempt("ip route add", DENIED, command("ip", "route", "add", "192.0.2.0/24", "dev", "lo"))
attempt("ip link add", DENIED, command("ip", "link", "add", "x0", "type", "dummy"))
attempt("sysctl", "EACCES|EPERM|EROFS", lambda: open("/proc/sys/net/ipv4/ip_forward", "w").write("1") and "written")
attempt("setns to another process", "EPERM|EACCES|ENOENT|EINVAL", lambda: (ctypes.CDLL(None, use_errno=True).setns(os.open("/proc/1/ns/net", os.O_RDONLY), 0) == 0 and "entered") or errno.errorcode[ctypes.get_errno()])
attempt("own user namespace, nft flush there", "done|denied|ENOENT", command("unshare", "-Urn", "nft", "flush", "ruleset"))
attempt("own user namespace, connection from there", "denied|ENOENT", command("unshare", "-Urn", "python3", "-c", f"import socket; socket.create_connection(('{OUTSIDE[4]}', 80), 1)"))

# Sockets of the host's programs.
for path in C["paths"]:
    def unix(path=path):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(DEADLINE)
            sock.connect(path)
            sock.sendall(b"an agent was here")
            return "connected"
    attempt(f"socket {path}", "ENOENT|ECONNREFUSED|EACCES|EAFNOSUPPORT|ENOTSOCK|ENOTDIR", unix)
for name in C["abstract"]:
    def abstract(name=name):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(DEADLINE)
            sock.connect("\0" + name)
            sock.sendall(b"an agent was here")
            return "connected"
    attempt(f"abstract socket {name}", "ECONNREFUSED|EAFNOSUPPORT", abstract)

# What the caller names: places of its cluster, other users, somebody else's words.
def become(uid):
    """In a process of its own, which this must not change."""
    script = f"import os; os.setgroups([]); os.setgid({uid}); os.setuid({uid})"
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=5)
    return "denied" if done.returncode else "done"


def say(address, port, text):
    def run():
        with socket.socket() as sock:
            sock.settimeout(3)
            sock.connect((address, port))
            sock.sendall(bytes.fromhex(text))
            answer = sock.recv(200)
            return "answered " + answer.decode("latin1") if answer else "closed"
    return run


NOWHERE = "closed|timeout|ECONNRESET|" + REFUSED
for name, address, port in C.get("targets", []):
    version = 6 if ":" in address else 4
    attempt(f"tcp to {name}", NOWHERE, tcp(version, address, port))
    attempt(f"udp to {name}", NOWHERE, udp(version, address, port))
for uid in C.get("uids", []):
    attempt(f"become uid {uid}", DENIED, lambda u=uid: become(u))
for name, address, port, text in C.get("sayings", []):
    attempt(name, NOWHERE, say(address, port, text))


def judged(name, expect, run):
    seen = outcome(run)
    return json.dumps({"name": name, "expect": expect, "outcome": seen, "ok": re.fullmatch(expect, seen) is not None})


print(json.dumps({"count": len(ATTEMPTS)}), flush=True)
if C.get("at_once"):
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        for line in pool.map(lambda one: judged(*one), ATTEMPTS):
            print(line, flush=True)
else:
    for line in sys.stdin:
        if not ATTEMPTS:
            break
        print(judged(*ATTEMPTS.pop(0)), flush=True)
