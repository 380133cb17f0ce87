"""Interrupts a blocked read with signals whose handler lets the kernel restart it, then ends.

usage: interrupted.py SIGNALS
"""

import os
import signal
import sys


def blocked_in_read(pid):
    """Whether the main thread of a process sleeps in a read."""
    with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
        return file.read().split()[0] == "0"


def main():
    signals = int(sys.argv[1])
    handled, handling = os.pipe()
    out, into = os.pipe()
    parent = os.getpid()
    # The wakeup descriptor is written by the handler itself, inside the interrupted read.
    os.set_blocking(handling, False)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.siginterrupt(signal.SIGUSR1, False)
    signal.set_wakeup_fd(handling)
    if os.fork() == 0:
        signal.set_wakeup_fd(-1)
        for _ in range(signals):
            while not blocked_in_read(parent):
                os.sched_yield()
            os.kill(parent, signal.SIGUSR1)
            os.read(handled, 1)
        while not blocked_in_read(parent):
            os.sched_yield()
        os.write(into, b"x")
        os._exit(0)
    os.read(out, 1)
    os.wait()


main()
