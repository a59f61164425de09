"""Asks for a name by DNS and for https://NAME/ at the address that came, as any program in a pod does. Prints the status, or what went wrong.

usage: ask.py NAME CA_FILE [PORT]: without PORT at 443; with it, TLS goes straight to that port of 127.0.0.1
"""
import errno
import socket
import ssl
import struct
import sys

name, ca_file = sys.argv[1:3]


def resolve():
    question = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0\0\1\0\1"
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.settimeout(5)
    server.sendto(question, ("10.96.0.10", 53))
    answer = server.recv(512)
    if answer[3] & 15:
        raise OSError(f"rcode {answer[3] & 15}")
    return socket.inet_ntoa(answer[-4:])


try:
    to = ("127.0.0.1", int(sys.argv[3])) if len(sys.argv) > 3 else (resolve(), 443)
    context = ssl.create_default_context(cafile=ca_file)
    with context.wrap_socket(socket.create_connection(to, 5), server_hostname=name) as tls:
        tls.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        print(tls.recv(4096).split(b"\r\n", 1)[0].decode().split(" ")[1])
except ssl.SSLError as error:
    print(error.reason)
except OSError as error:
    print(errno.errorcode.get(error.errno, error))
