"""Serves the folder of a file by the standard library's server, or sends each client the file: by
socket.sendfile, or by asyncio's loop.sendfile from the file itself or from an object that hides it.

standard.py http|sendfile|asyncio|asyncio-wrapped FILE

Prints its port.
"""

import asyncio
import functools
import http.server
import os
import socket
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
    "asyncio": lambda path: asyncio.run(serve_asyncio(path, lambda file: file)),
    "asyncio-wrapped": lambda path: asyncio.run(serve_asyncio(path, Counting)),
}
MODES[sys.argv[1]](sys.argv[2])
