"""Answers with a file by aiohttp, compressed or as it is.

files.py plain|compressed|without-sendfile|uvloop FILE

Prints its port.
"""

import asyncio
import os
import sys

if sys.argv[1] == "without-sendfile":
    os.environ["AIOHTTP_NOSENDFILE"] = "1"

from aiohttp import web


async def answer(request):
    response = web.FileResponse(sys.argv[2])
    if sys.argv[1] == "compressed":
        response.enable_compression(force=web.ContentCoding.gzip)
    return response


async def main():
    application = web.Application()
    application.router.add_get("/file", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if sys.argv[1] == "uvloop":
    import uvloop

    uvloop.run(main())
else:
    asyncio.run(main())
