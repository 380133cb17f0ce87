"""Answers with a file by gunicorn: by the server's file wrapper, or by that behind a middleware.

workers.py file-wrapper|middleware FILE

Prints its port, and the pid of the process that answers.
"""

import os
import sys

from gunicorn.app.base import BaseApplication


def answer(environ, start_response):
    file = open(sys.argv[2], "rb")
    start_response("200 OK", [("Content-Length", str(os.path.getsize(sys.argv[2])))])
    return environ["wsgi.file_wrapper"](file, 65536)


def counting(application):
    """Counts the pieces of what an application answers."""

    def counted(environ, start_response):
        count = 0
        for piece in application(environ, start_response):
            count += 1
            yield piece

    return counted


class Server(BaseApplication):
    def load_config(self):
        self.cfg.set("bind", "127.0.0.1:0")
        self.cfg.set("workers", 1)
        self.cfg.set("loglevel", "error")
        self.cfg.set("post_worker_init", tell)

    def load(self):
        return counting(answer) if sys.argv[1] == "middleware" else answer


def tell(worker):
    print(worker.sockets[0].getsockname()[1], os.getpid(), flush=True)


Server().run()
