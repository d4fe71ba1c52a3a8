"""A web server on this machine that sends files, in parts too."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Web:
    """What the server sends, and what it was asked.

    Attributes:
        files: by path; a change of one changes its tag.
        stop_after: bytes after which a connection ends, however much was announced.
        requests: each one's path and Range.
        hold: unset to keep files from being sent.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    stop_after: int | None = None
    states_size: bool = True
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)


@contextmanager
def served() -> Iterator[Web]:
    """Runs a server."""
    web = Web()
    web.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            web.requests.append((self.path, asked))
            web.hold.wait(30)
            content = web.files.get(self.path)
            if content is None:
                return self.send_error(404)
            tag = f'"{hash(content)}"'
            start = int(asked[6:-1]) if asked and self.headers.get("If-Range") == tag else 0
            if start and start >= len(content):
                return self.send_error(416)
            self.send_response(206 if start else 200)
            if start:
                span = f"{start}-{len(content) - 1}"
                self.send_header("Content-Range", f"bytes {span}/{len(content)}")
            self.send_header("ETag", tag)
            if web.states_size:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:][: web.stop_after])
            return None

        def log_message(self, format: str, *args: Any) -> None:
            """Keeps the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    web.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield web
    finally:
        web.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()
