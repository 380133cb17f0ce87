"""Sends a file with sendfile to one client, then ends.

usage: sendfile_from.py FILE cached|direct; prints its port.
"""

import os
import socket
import sys


def main():
    path, mode = sys.argv[1:]
    file = os.open(path, os.O_RDONLY | (os.O_DIRECT if mode == "direct" else 0))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        client, _ = listener.accept()
        at = 0
        while moved := os.sendfile(client.fileno(), file, at, 1 << 30):
            at += moved


main()
