"""What a request is answered that is rejected."""

from fastapi import Request
from pydantic import BaseModel


class Problem(BaseModel):
    """Why a request failed."""

    kind: str
    message: str


class Refusal(Exception):
    """A request is rejected, with an HTTP status."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.problem = status, Problem(kind=kind, message=message)


def gone() -> Refusal:
    """Returns what is never sent, only counted; 499 is nginx's status for a closed connection."""
    return Refusal(499, "ClientGone", "the client hung up")


def client_of(request: Request) -> str:
    """Returns the address of a request's client; behind a proxy it is the one that this tells."""
    return request.client.host if request.client else ""
