"""Sends a file with MSG_ZEROCOPY to one client and reads every completion, then ends.

usage: msg_zerocopy.py FILE; prints its port, and at the end how many completions said "copied" and
how many did not.
"""

import select
import socket
import struct
import sys

SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
SO_EE_ORIGIN_ZEROCOPY, SO_EE_CODE_ZEROCOPY_COPIED = 5, 1


def completed(client):
    """Sends that one message of the error queue completes, and whether they were copied."""
    _, ancillary, _, _ = client.recvmsg(0, 512, socket.MSG_ERRQUEUE)
    error = struct.unpack("=IBBBBII", ancillary[0][2][:16])
    assert error[1] == SO_EE_ORIGIN_ZEROCOPY, error
    return error[6] - error[5] + 1, error[3] == SO_EE_CODE_ZEROCOPY_COPIED


def main():
    with open(sys.argv[1], "rb") as file:
        content = memoryview(file.read())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        client, _ = listener.accept()
    client.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    sends = {True: 0, False: 0}
    at = waiting = 0
    while at < len(content) or waiting:
        if at < len(content):
            at += client.send(content[at : at + (1 << 18)], MSG_ZEROCOPY)
            waiting += 1
        if waiting == 16 or at == len(content):
            poll = select.poll()
            poll.register(client, 0)
            poll.poll()
            count, copied = completed(client)
            sends[copied] += count
            waiting -= count
    client.shutdown(socket.SHUT_WR)
    print(sends[True], sends[False], flush=True)


main()
