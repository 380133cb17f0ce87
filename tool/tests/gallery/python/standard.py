"""Serves the folder of a file by the standard library's server, or sends each client the file: by
socket.sendfile, or by asyncio's loop.sendfile from the file itself or from an object that hides it.
forbidden: in a sandbox without sendfile.

standard.py http|sendfile|forbidden|asyncio|asyncio-wrapped FILE

Prints its port.
"""

import asyncio
import ctypes
import functools
import http.server
import os
import platform
import socket
import struct
import sys


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def serve_http(path):
    handler = functools.partial(Quiet, directory=os.path.dirname(path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def serve_sendfile(path):
    server = socket.create_server(("127.0.0.1", 0))
    print(server.getsockname()[1], flush=True)
    while True:
        client, _ = server.accept()
        with client, open(path, "rb") as file:
            client.sendfile(file)


def forbid_sendfile():
    """As a profile of seccomp does: the call fails with EPERM."""
    number = {"x86_64": 40, "aarch64": 71}[platform.machine()]
    # BPF: load the number; if it is not that one, skip an instruction; EPERM; allowed.
    program = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50001), (6, 0, 0, 0x7FFF0000)]
    )
    code = ctypes.create_string_buffer(program)
    filter = struct.pack("@HP", 4, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP with SECCOMP_MODE_FILTER
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, filter, 0, 0):
        raise OSError(ctypes.get_errno(), "no sandbox")


def serve_forbidden(path):
    forbid_sendfile()
    serve_sendfile(path)


class Counting:
    """Counts what is read of a file, and hides its descriptor."""

    def __init__(self, file):
        self.file = file
        self.count = 0

    def seek(self, offset):
        return self.file.seek(offset)

    def readinto(self, buffer):
        count = self.file.readinto(buffer)
        self.count += count
        return count


async def serve_asyncio(path, wrap):
    async def answer(_, writer):
        with open(path, "rb") as file:
            await asyncio.get_running_loop().sendfile(writer.transport, wrap(file))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


MODES = {
    "http": serve_http,
    "sendfile": serve_sendfile,
    "forbidden": serve_forbidden,
    "asyncio": lambda path: asyncio.run(serve_asyncio(path, lambda file: file)),
    "asyncio-wrapped": lambda path: asyncio.run(serve_asyncio(path, Counting)),
}
MODES[sys.argv[1]](sys.argv[2])
