"""Clients that attack a server, all at once, until the process is ended.

    python -m benchmarks.attackers PORT [--only KIND]...

Each kind comes from an address of its own, as clients do behind a proxy that tells them apart.
Counts of statuses are printed as JSON every few seconds.
"""

import argparse
import asyncio
import json
import random
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from PIL import Image

from benchmarks.fuzz.pdf_seeds import pdf, stream
from benchmarks.fuzz.seeds import drawn, saved

HOST = "127.0.0.1"
_REPORT_EVERY_S = 2.0
_ANSWER_S = 120.0
# A form draws the one below it so many times, and so on down to a rectangle.
_TIMES, _DEPTH = 24, 6
_FLAT = 500_000
_CHUNKS = b"1\r\nx\r\n" * 2000


class Client(NamedTuple):
    """Who attacks: where, from which address, and what is counted."""

    port: int
    address: str
    counts: Counter[str]

    async def opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Returns a new connection."""
        return await asyncio.open_connection(HOST, self.port, local_addr=(self.address, 0))

    async def post(self, body: bytes) -> None:
        """Posts a body on a connection of its own, and counts the status."""
        reader, writer = await self.opened()
        try:
            writer.write(head(len(body)) + body)
            line = await asyncio.wait_for(reader.readline(), _ANSWER_S)
            self.counts[line.split()[1].decode() if line else "closed"] += 1
            await asyncio.wait_for(reader.read(), _ANSWER_S)
        finally:
            writer.close()


Attack = Callable[[Client], Awaitable[None]]


def head(length: int | None) -> bytes:
    """Returns the head of a post; without a length it comes in chunks."""
    told = b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length
    return (
        b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + told + b"\r\n\r\n"
    )


def bomb() -> bytes:
    """Returns a PDF of few bytes that takes hours to render: forms in forms in forms."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 400] /Contents 4 0 R"
        b" /Resources << /XObject << /X 5 0 R >> >> >>",
        stream(b"", b"/X Do"),
    ]
    for level in range(_DEPTH):
        form = b"/Type /XObject /Subtype /Form /BBox [0 0 400 400]"
        below = b" /Resources << /XObject << /X %d 0 R >> >>" % (6 + level)
        packed = zlib.compress(b"/X Do " * _TIMES)
        objects.append(stream(form + below + b" /Filter /FlateDecode", packed))
    last = b"/Type /XObject /Subtype /Form /BBox [0 0 400 400]"
    objects.append(stream(last, b"0 0 300 300 re f " * _TIMES))
    return pdf(objects)


def flat() -> bytes:
    """Returns a PNG of one row and 500,000 columns."""
    return saved(Image.new("L", (_FLAT, 1), 255), "PNG")


def page(text: str) -> bytes:
    """Returns a small page."""
    return saved(drawn(text), "PNG")


async def bombs(client: Client) -> None:
    """Posts bombs."""
    await client.post(bomb())


async def flats(client: Client) -> None:
    """Posts flat pictures."""
    await client.post(flat())


async def flood(client: Client) -> None:
    """Posts small sound pages, all different."""
    await client.post(page(f"Flood {random.randrange(1000)}"))


async def junk(client: Client) -> None:
    """Posts what begins as files do and goes on by chance."""
    start = random.choice((b"", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7\n", b"II*\0\x08\0\0\0", b"GIF89a"))
    await client.post(start + random.randbytes(200_000))


async def slow_headers(client: Client) -> None:
    """Sends a header byte by byte."""
    _, writer = await client.opened()
    try:
        for byte in b"POST /v1/read HTTP/1.1\r\nX-Slow: " + b"a" * 1000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)
    finally:
        client.counts["over"] += 1
        writer.close()


async def slow_bodies(client: Client) -> None:
    """Sends a body two bytes a second."""
    await _drip(client, head(1_000_000), b"xx", pause=1)


async def chunks(client: Client) -> None:
    """Sends a body in chunks of one byte, as fast as they are taken."""
    await _drip(client, head(None), _CHUNKS, pause=0)


async def _drip(client: Client, start: bytes, data: bytes, pause: float) -> None:
    """Sends a head and then the same data again and again, until there is an answer."""
    reader, writer = await client.opened()
    writer.write(start)
    answer = asyncio.create_task(reader.readline())
    try:
        while not answer.done():
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(pause)
        line = answer.result()
        client.counts[line.split()[1].decode() if line else "closed"] += 1
    finally:
        answer.cancel()
        writer.close()


class Kind(NamedTuple):
    """An attack, how many clients do it at once, and seconds between two of one's own."""

    attack: Attack
    clients: int
    pause: float


KINDS = {
    "bombs": Kind(bombs, 8, 0.1),
    "flat pictures": Kind(flats, 8, 0.1),
    "flood": Kind(flood, 40, 0.5),
    "junk": Kind(junk, 8, 0.2),
    "slow headers": Kind(slow_headers, 200, 0.5),
    "slow bodies": Kind(slow_bodies, 150, 0.5),
    "chunks of a byte": Kind(chunks, 8, 0.5),
}
"""The attacks by name."""


async def repeated(kind: Kind, client: Client) -> None:
    """Attacks again and again."""
    while True:
        try:
            await kind.attack(client)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            client.counts["broken"] += 1
        await asyncio.sleep(kind.pause * random.uniform(0.5, 1.5))


async def attack(port: int, only: list[str] | None) -> None:
    """Begins all attacks, and prints what they count."""
    counts: dict[str, Counter[str]] = {}
    async with asyncio.TaskGroup() as group:
        for number, (name, kind) in enumerate(KINDS.items(), start=10):
            if only and name not in only:
                continue
            counts[name] = Counter()
            client = Client(port, f"127.0.0.{number}", counts[name])
            for _ in range(kind.clients):
                group.create_task(repeated(kind, client))
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            print(json.dumps(counts), flush=True)


def main() -> None:
    """Attacks until the process is ended."""
    parser = argparse.ArgumentParser(description="Clients that attack a server.")
    parser.add_argument("port", type=int)
    parser.add_argument("--only", action="append", choices=list(KINDS))
    arguments = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(attack(arguments.port, arguments.only))


if __name__ == "__main__":
    main()
