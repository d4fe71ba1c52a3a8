"""A server under attack: how many of an honest client's pages are answered all the same.

    python -m benchmarks.attack [--seconds 300] [--time-limit 60] [--only KIND]... [--out FILE.json]

``ocr-plugin serve`` runs with its default limits. All of `attackers.KINDS`, or those named, go on
at once, each from an address of its own, while a client at another address posts one small page a
second, and tries again after a second where it is told 503 (Retry-After). A page counts where its
text comes within the time limit of when it was first sent. Meanwhile the memory of the server and
of its decoders is noted, and whether /v1/health answers; at the end the server is told to end
(SIGTERM) while pages are under way.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks import machine
from benchmarks.attackers import HOST, KINDS, flat, page

# As the attackers' are, so that it can be told from theirs.
_HONEST = "127.0.0.2"
_LEAST_SHARE = 0.99
_HEALTH_EVERY_S, _MEMORY_EVERY_S = 5.0, 1.0
_QUIET_PAGES = 10
# Pages that are under way when the server is told to end, and how long it may take (docs/hosts.md).
_LAST_PAGES, _END_LIMIT_S = 8, 30.0


@dataclass
class Seen:
    """What an honest client and an onlooker saw.

    Attributes:
        sent: pages.
        seconds: that each answered page took.
        first: pages answered at the first attempt.
        refused: statuses of pages, or what went wrong, in place of an answer.
        health: seconds that each answer took, or -1 for none or not ok.
        server_mb, decoders_mb: memory, resident.
        loads: of the machine, over a minute.
    """

    sent: int = 0
    seconds: list[float] = field(default_factory=list)
    first: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    health: list[float] = field(default_factory=list)
    server_mb: list[float] = field(default_factory=list)
    decoders_mb: list[float] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Returns the figures."""
        ordered = sorted(self.seconds)
        return {
            "pages_sent": self.sent,
            "pages_answered": len(ordered),
            "share_answered": round(len(ordered) / max(1, self.sent), 4),
            "answered_at_first": self.first,
            "refused": dict(sorted(self.refused.items())),
            "median_s": round(statistics.median(ordered), 2) if ordered else None,
            "p99_s": round(ordered[int(0.99 * (len(ordered) - 1))], 2) if ordered else None,
            "slowest_s": round(ordered[-1], 2) if ordered else None,
            "health_asked": len(self.health),
            "health_ok": sum(each >= 0 for each in self.health),
            "health_slowest_s": round(max(self.health, default=0), 2),
            "server_mb": round(max(self.server_mb, default=0)),
            "decoders_mb": round(max(self.decoders_mb, default=0)),
            "load": [round(min(self.loads), 1), round(max(self.loads), 1)] if self.loads else [],
        }


class Server:
    """``ocr-plugin serve`` as a process.

    Args:
        time_limit: seconds of a request.
        log: what it says goes there.
    """

    def __init__(self, time_limit: float, log: Path) -> None:
        command = [sys.executable, "-m", "ocr_plugin", "serve", "--port", "0", "--offline"]
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                [*command, "--time-limit", str(time_limit)], stderr=said, start_new_session=True
            )
        self.port = 0
        while not self.port:
            if self.process.poll() is not None:
                raise SystemExit(log.read_text())
            found = re.search(r"listening on http://[\d.]+:(\d+)", log.read_text())
            self.port = int(found[1]) if found else 0
            time.sleep(0.1)
        self.url = f"http://{HOST}:{self.port}"

    def memory(self) -> tuple[float, float]:
        """Returns what the server and its other processes hold, in MB."""
        own = psutil.Process(self.process.pid)
        held = 0
        for each in own.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                held += each.memory_info().rss
        return own.memory_info().rss / 1e6, held / 1e6

    def end(self) -> float | None:
        """Tells it to end; returns the seconds until it did, or None if it had to be killed."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(300)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return None
        return time.monotonic() - begun


def client() -> httpx.AsyncClient:
    """Returns an honest client, whose requests each have a connection of their own."""
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(
            local_address=_HONEST, limits=httpx.Limits(max_keepalive_connections=0)
        )
    )


async def one_page(server: Server, number: int, time_limit: float, seen: Seen) -> None:
    """Posts a page, again where the server says that it is busy, and notes how it went."""
    seen.sent += 1
    begun, attempts, last = time.monotonic(), 0, ""
    body = page(f"Pier {number}")
    while (left := time.monotonic() - begun) < time_limit:
        attempts += 1
        try:
            async with client() as asking:
                answer = await asking.post(
                    f"{server.url}/v1/read", content=body, timeout=time_limit - left
                )
        except httpx.HTTPError as error:
            last = type(error).__name__
        else:
            last = str(answer.status_code)
            if answer.status_code == 200 and any(each["blocks"] for each in _pages(answer)):
                seen.seconds.append(time.monotonic() - begun)
                seen.first += attempts == 1
                return
        await asyncio.sleep(1.0)
    seen.refused[last] = seen.refused.get(last, 0) + 1


def _pages(answer: httpx.Response) -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = answer.json()["pages"]
    return pages


async def health(server: Server, seen: Seen) -> None:
    """Asks for the server's health every few seconds."""
    while True:
        begun = time.monotonic()
        try:
            async with client() as asking:
                answer = await asking.get(f"{server.url}/v1/health", timeout=10)
            seen.health.append(time.monotonic() - begun if answer.status_code == 200 else -1)
        except httpx.HTTPError:
            seen.health.append(-1)
        await asyncio.sleep(_HEALTH_EVERY_S)


async def memory(server: Server, seen: Seen) -> None:
    """Notes memory and load."""
    while True:
        with suppress(psutil.NoSuchProcess):
            own, decoders = server.memory()
            seen.server_mb.append(own)
            seen.decoders_mb.append(decoders)
        seen.loads.append(os.getloadavg()[0])
        await asyncio.sleep(_MEMORY_EVERY_S)


async def watched(server: Server, seconds: float, time_limit: float) -> dict[str, Any]:
    """Posts a page a second for some time; returns what was seen."""
    seen = Seen()
    onlookers = [asyncio.create_task(each(server, seen)) for each in (health, memory)]
    pages: list[asyncio.Task[None]] = []
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        pages.append(asyncio.create_task(one_page(server, len(pages), time_limit, seen)))
        await asyncio.sleep(max(0.0, len(pages) - passed))
    await asyncio.gather(*pages)
    for each in onlookers:
        each.cancel()
    return seen.summary()


def attacked(
    server: Server, seconds: float, time_limit: float, only: list[str] | None
) -> dict[str, Any]:
    """Returns what was seen while all attacks went on, and what they counted."""
    chosen = [f"--only={name}" for name in only or ()]
    attackers = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.attackers", str(server.port), *chosen],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        found = asyncio.run(watched(server, seconds, time_limit))
    finally:
        attackers.terminate()
        said, _ = attackers.communicate(timeout=60)
    return found | {"attackers": json.loads(said.splitlines()[-1]) if said else {}}


def main() -> None:
    """Attacks a server, and says whether it stood."""
    parser = argparse.ArgumentParser(description="A server under attack.")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--time-limit", type=float, default=60)
    parser.add_argument("--only", action="append", choices=list(KINDS))
    parser.add_argument("--log", type=Path, default=Path("attack-server.log"))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    server = Server(arguments.time_limit, arguments.log)
    try:
        result = measured(server, arguments)
    finally:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
    print(json.dumps(result, indent=2))
    if arguments.out:
        machine.write_report(
            arguments.out, "attack", {", ".join(arguments.only or ["all at once"]): result}
        )
    share, ended = result["attacked"]["share_answered"], result["ended_after_s"]
    if share < _LEAST_SHARE or ended is None or ended > _END_LIMIT_S:
        raise SystemExit("the server did not stand")


def measured(server: Server, arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns what was seen before, during and after the attack, and how the server ended."""
    limit = arguments.time_limit
    before = asyncio.run(watched(server, _QUIET_PAGES, limit))
    during = attacked(server, arguments.seconds, limit, arguments.only)
    after = asyncio.run(watched(server, _QUIET_PAGES, limit))
    return {
        "seconds": arguments.seconds,
        "time_limit_s": limit,
        "clients": {name: KINDS[name].clients for name in arguments.only or KINDS},
        "before": before,
        "attacked": during,
        "after": after,
        "ended_after_s": asyncio.run(ended(server)),
        "end_limit_s": _END_LIMIT_S,
    }


async def ended(server: Server) -> float | None:
    """Ends the server while it reads; returns the seconds that it took."""
    async with client() as asking:
        posts = [
            asyncio.create_task(asking.post(f"{server.url}/v1/read", content=flat(), timeout=600))
            for _ in range(_LAST_PAGES)
        ]
        await asyncio.sleep(1.0)
        took = await asyncio.to_thread(server.end)
        await asyncio.gather(*posts, return_exceptions=True)
    return None if took is None else round(took, 1)


if __name__ == "__main__":
    main()
