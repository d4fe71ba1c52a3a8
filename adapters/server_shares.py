"""What clients share: one who has little of it comes before one who has much."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

_Done = TypeVar("_Done")


class Full(Exception):
    """All places are taken, and the client has its share of them."""


class Lost(Exception):
    """A place was given to a client who had fewer."""


class Place:
    """A place that a client has taken.

    Attributes:
        client: who has it.
    """

    def __init__(self, client: str) -> None:
        self.client = client
        self._lost = asyncio.Event()

    def give_up(self) -> None:
        """Ends the work that is done in it."""
        self._lost.set()

    async def keep(self, work: Coroutine[Any, Any, _Done]) -> _Done:
        """Returns the result of some work, or cancels it once the place is lost.

        Raises:
            Lost: the place was lost first.
        """
        tasks = working, losing = asyncio.create_task(work), asyncio.create_task(self._lost.wait())
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise Lost
            return working.result()
        finally:
            await cancelled(working, losing)


class Places:
    """A number of places. Where all are taken, the client with the most loses its newest.

    Args:
        count: of places.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken: list[Place] = []

    def __len__(self) -> int:
        """Returns how many are taken."""
        return len(self._taken)

    @property
    def clients(self) -> int:
        """How many clients have places."""
        return len({place.client for place in self._taken})

    def check(self, client: str) -> None:
        """Raises `Full` where a client would not get a place."""
        self._poorer(client)

    @contextmanager
    def taken(self, client: str) -> Iterator[Place]:
        """Gives a place to a client.

        Raises:
            Full: there is none, and no other client has two more than this one.
        """
        poorer = self._poorer(client)
        if poorer is not None:
            self._taken.remove(poorer)
            poorer.give_up()
        place = Place(client)
        self._taken.append(place)
        try:
            yield place
        finally:
            if place in self._taken:
                self._taken.remove(place)

    def _poorer(self, client: str) -> Place | None:
        """Returns the place that has to be given up for a client, or None if one is free."""
        if len(self._taken) < self._count:
            return None
        had = Counter(place.client for place in self._taken)
        richest, most = had.most_common(1)[0]
        if most <= had[client] + 1:
            raise Full
        return next(place for place in reversed(self._taken) if place.client == richest)


class Holding(Place):
    """What a client holds of a budget for one request.

    Attributes:
        count: how much.
    """

    def __init__(self, client: str, budget: "Budget") -> None:
        super().__init__(client)
        self._budget, self.count = budget, 0

    def check(self, more: int) -> None:
        """Raises `Full` where it could not grow by so much."""
        self._budget.check(self, more)

    def grow(self, more: int) -> None:
        """Holds more.

        Raises:
            Full: there is not enough left, and no other client would still hold more. What it
                holds is free again.
            Lost: it was given up before.
        """
        self._budget.grow(self, more)


class Budget:
    """An amount. Where it is used up, the client that holds most loses its newest holding.

    Args:
        most: of all clients together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._holdings: list[Holding] = []

    @property
    def total(self) -> int:
        """How much is held."""
        return sum(holding.count for holding in self._holdings)

    @contextmanager
    def holding(self, client: str) -> Iterator[Holding]:
        """Gives a client a holding, of nothing yet; what it holds is free again at the end."""
        holding = Holding(client, self)
        self._holdings.append(holding)
        try:
            yield holding
        finally:
            if holding in self._holdings:
                self._holdings.remove(holding)

    def check(self, holding: Holding, more: int) -> None:
        """Raises `Full` where a holding could not grow by so much; see `Holding.grow`."""
        if holding not in self._holdings:
            raise Lost
        self._richer(holding.client, more)

    def grow(self, holding: Holding, more: int) -> None:
        """Lets a holding grow; see `Holding.grow`."""
        try:
            self.check(holding, more)
            while (richer := self._richer(holding.client, more)) is not None:
                self._holdings.remove(richer)
                richer.give_up()
        except Full:
            # At once, so that not all that grow at the same time are refused.
            self._holdings.remove(holding)
            raise
        holding.count += more

    def _richer(self, client: str, more: int) -> Holding | None:
        """Returns what has to be given up so that a client can hold more; None for nothing."""
        if self.total + more <= self._most:
            return None
        had = Counter[str]()
        for holding in self._holdings:
            had[holding.client] += holding.count
        richest, most = had.most_common(1)[0]
        if richest == client or most <= had[client] + more:
            raise Full
        own = (each for each in reversed(self._holdings) if each.client == richest and each.count)
        return next(own)


class Turns:
    """A few turns at something slow. Clients take them in turn, however much each asks for.

    Nobody holds all of them while others are there, who would wait until slow work is over.

    Args:
        count: of turns at once.
        is_alone: tells whether no more than one client is there.
    """

    def __init__(self, count: int, is_alone: Callable[[], bool]) -> None:
        self._free, self._is_alone = count, is_alone
        self._held = Counter[str]()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        # By client, the number of its latest turn; of those who hold or wait for one.
        self._served: dict[str, int] = {}
        self._turns = 0
        self._asked_at: dict[asyncio.Future[None], float] = {}

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        return len(self._asked_at)

    @property
    def longest_wait(self) -> float:
        """Seconds for which the first of them has been waiting; 0 if there is none."""
        return time.monotonic() - min(self._asked_at.values()) if self._asked_at else 0.0

    @asynccontextmanager
    async def of(self, client: str, goes_on: bool = False) -> AsyncIterator[None]:
        """Waits for a turn, and gives it back at the end.

        Args:
            client: whose turn.
            goes_on: whether it is for work that is begun, which comes before the client's other.
        """
        asked = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(client, deque())
        if goes_on:
            waiting.appendleft(asked)
        else:
            waiting.append(asked)
        self._asked_at[asked] = time.monotonic()
        self._grant()
        try:
            await asked
        except asyncio.CancelledError:
            if asked.done() and not asked.cancelled():  # granted at the same moment
                self._give_back(client)
            raise
        finally:
            del self._asked_at[asked]
        try:
            yield
        finally:
            self._give_back(client)

    def _give_back(self, client: str) -> None:
        self._free += 1
        self._held[client] -= 1
        self._grant()
        here = {each for each, count in self._held.items() if count} | self._waiting.keys()
        self._held = Counter({each: self._held[each] for each in here})
        self._served = {each: turn for each, turn in self._served.items() if each in here}

    def _grant(self) -> None:
        while self._free and (client := self._next()) is not None:
            self._waiting[client].popleft().set_result(None)
            self._turns += 1
            self._served[client] = self._turns
            self._free -= 1
            self._held[client] += 1

    def _next(self) -> str | None:
        """Returns whose turn it is, if anybody's."""
        for client, waiting in list(self._waiting.items()):
            while waiting and waiting[0].done():  # cancelled while it waited
                waiting.popleft()
            if not waiting:
                del self._waiting[client]
        able = [client for client in self._waiting if self._may(client)]
        return min(
            able, key=lambda each: (self._held[each], self._served.get(each, 0)), default=None
        )

    def _may(self, client: str) -> bool:
        return not self._held[client] or self._free > 1 or self._is_alone()


async def cancelled(*tasks: "asyncio.Task[Any]") -> None:
    """Cancels tasks, and waits until they are over."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
