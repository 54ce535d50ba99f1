"""Python's aiohttp against the server of http_peer_spec: with_aiohttp.py URL"""

import asyncio
import sys

import aiohttp


async def pieces():
    for _ in range(20):
        yield b"x" * 10000
        await asyncio.sleep(0)


async def get(session, i):
    async with session.get(f"/query?name={i}") as answer:
        assert await answer.text() == str(i)


async def main():
    limit = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(sys.argv[1], timeout=limit) as session:
        await asyncio.gather(*(get(session, i) for i in range(200)))
        async with session.post("/echo", data=pieces()) as answer:
            assert await answer.read() == b"x" * 200000
        async with session.post("/echo", data=b"y" * 100000, expect100=True) as answer:
            assert await answer.read() == b"y" * 100000
        form = aiohttp.FormData()
        form.add_field("file", b"z" * 100000, filename="z")
        async with session.post("/multipart", data=form) as answer:
            assert await answer.json() == {"file": 100000}
        async with session.get("/large?size=3000000") as answer:
            size = 0
            async for piece in answer.content.iter_chunked(65536):
                size += len(piece)
            assert size == 3000000
        async with session.get("/redirect") as answer:
            assert await answer.text() == "hello"


asyncio.run(main())
print("fine")
