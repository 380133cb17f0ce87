"""Serves a folder with the standard library's http.server for a number of requests, then ends.

usage: http_server.py FOLDER REQUESTS; prints its port.
"""

import functools
import http.server
import sys


def main():
    folder, requests = sys.argv[1], int(sys.argv[2])
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        print(server.server_port, flush=True)
        server.timeout = 120
        for _ in range(requests):
            server.handle_request()


main()
