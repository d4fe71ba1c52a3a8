"""Who may ask: a token, where one is set, and the hosts that a local server answers to."""

import hmac
import ipaddress
import re

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

TOKEN_VARIABLE = "OCR_PLUGIN_TOKEN"
"""Environment variable with the token that clients must send."""

# A name or an IPv4 address, or an IPv6 address in brackets; and a port.
_HOST = re.compile(r"(?:\[([^\[\]]+)\]|([^\[\]:]+))(?::\d*)?")
# What a load balancer and a person at the door need; they tell nothing that was read.
_OPEN_PATHS = ("/", "/v1/health")


class TokenRequired:
    """Answers 401 to requests without the right token, but for the health check.

    Args:
        app: what is behind.
        token: that ``Authorization: Bearer TOKEN`` must bring.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or passes it on."""
        if scope["type"] == "http" and scope["path"] not in _OPEN_PATHS:
            given = Headers(scope=scope).get("authorization", "").encode()
            # In constant time, so that its parts cannot be guessed one by one.
            if not hmac.compare_digest(given, self._expected):
                await _refused(401, "NoToken", "send Authorization: Bearer TOKEN")(
                    scope, receive, send
                )
                return
        await self._app(scope, receive, send)


class LocalHostsOnly:
    """Answers 400 to requests for another host, which a page of that host's would send.

    A browser lets a page talk to the host that it came from; whoever owns that host's name can let
    it point to this machine (DNS rebinding).

    Args:
        app: what is behind.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or passes it on."""
        if scope["type"] == "http":
            host = _HOST.fullmatch(Headers(scope=scope).get("host", ""))
            if host is None or not is_loopback((host[1] or host[2]).lower()):
                message = "this server listens on this machine alone, as localhost"
                await _refused(400, "WrongHost", message)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Returns whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(status: int, kind: str, message: str) -> JSONResponse:
    headers = {"Connection": "close"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"kind": kind, "message": message}, status, headers)
