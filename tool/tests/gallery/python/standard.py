"""Serves the folder of a file by the standard library's server, or each client the file by socket.sendfile.

standard.py http|sendfile FILE

Prints its port.
"""

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


{"http": serve_http, "sendfile": serve_sendfile}[sys.argv[1]](sys.argv[2])
