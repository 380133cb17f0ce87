"""Moves bytes between endpoints of many kinds, once a file appears, then ends.

usage: endpoints.py FOLDER BYTES; prints a line when it waits for FOLDER/go.

In a network namespace of its own it is alone and brings up the loopback device.
"""

import fcntl
import os
import socket
import struct
import sys
import time

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
MESSAGE = 1000


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        request = fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
        flags = struct.unpack("16sh14x", request)[1]
        if not flags & IFF_UP:
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def tcp_pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        return one, listener.accept()[0]


def udp_pair():
    pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for end in pair:
        end.bind(("127.0.0.1", 0))
    pair[0].connect(pair[1].getsockname())
    pair[1].connect(pair[0].getsockname())
    return pair


def in_child(work):
    """Lets a child play the other end, so that this process is the relay and nothing else."""
    if os.fork() == 0:
        work()
        os._exit(0)


def send_all(end, total):
    """The other end of a source."""
    content = os.urandom(1 << 16)
    while total > 0:
        total -= end.send(content[: min(total, len(content))])
    end.shutdown(socket.SHUT_WR)


def drain(end):
    """The other end of a sink."""
    while end.recv(1 << 16):
        pass


def relayed(pair, total):
    """Reads and writes."""
    source, sender = pair()
    sink, receiver = tcp_pair()
    in_child(lambda: send_all(sender, total))
    in_child(lambda: drain(receiver))
    buffer = memoryview(bytearray(1 << 16))
    while filled := source.recv_into(buffer):
        sink.sendall(buffer[:filled])
    sink.shutdown(socket.SHUT_WR)


def exchange(end, messages):
    """The other end of a relay of messages."""
    for _ in range(messages):
        end.send(os.urandom(MESSAGE))
        end.recv(MESSAGE)


def datagrams(total):
    """Reads and writes messages of one size."""
    near, far = udp_pair()
    messages = total // MESSAGE
    in_child(lambda: exchange(far, messages))
    for _ in range(messages):
        near.send(near.recv(MESSAGE))


def sent(path, total):
    """Sends a file in the kernel."""
    sink, receiver = tcp_pair()
    in_child(lambda: drain(receiver))
    with open(path, "rb") as file:
        at = 0
        while moved := os.sendfile(sink.fileno(), file.fileno(), at, total):
            at += moved
    sink.shutdown(socket.SHUT_WR)


def main():
    folder, total = sys.argv[1], int(sys.argv[2])
    loopback_up()
    print("ready", flush=True)
    while not os.path.exists(f"{folder}/go"):
        time.sleep(0.002)
    relayed(tcp_pair, total)
    relayed(socket.socketpair, total)
    sent(f"{folder}/file", total)
    datagrams(total // 100)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


main()
