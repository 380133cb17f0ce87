"""Sends a file with socket.sendfile to a number of clients, then ends.

usage: socket_sendfile.py FILE CLIENTS; prints its port.
"""

import socket
import sys


def main():
    path, clients = sys.argv[1], int(sys.argv[2])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        for _ in range(clients):
            client, _ = listener.accept()
            with client, open(path, "rb") as file:
                client.sendfile(file)


main()
