"""A stream of things that happen, each with the time it happened, to be awaited with a deadline."""

import asyncio
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """`at` is in seconds, on the event loop's clock."""

    at: float
    value: Any


class Stream:
    """Keeps everything that was put; `next` hands the events out in order, once each."""

    def __init__(self):
        self.all = []
        self._read = 0
        self._more = asyncio.Event()

    def put(self, value):
        self.all.append(Event(asyncio.get_running_loop().time(), value))
        self._more.set()

    async def next(self, timeout):
        """The next event; TimeoutError when there is none within `timeout` seconds."""
        return await self.until(lambda _value: True, timeout)

    async def until(self, wanted, timeout):
        """Skips events up to the first one whose value is `wanted`, or satisfies it if it is a function."""
        matches = wanted if callable(wanted) else lambda value: value == wanted
        skipped = []
        try:
            async with asyncio.timeout(timeout):
                while not matches((event := await self._next()).value):
                    skipped.append(event.value)
        except TimeoutError:
            awaited = (
                "nothing came" if wanted is matches else f"{wanted!r} did not come"
            )
            raise TimeoutError(
                f"{awaited} within {timeout} s, only {skipped[-5:]!r}"
            ) from None
        return event

    async def _next(self):
        while self._read == len(self.all):
            self._more.clear()
            await self._more.wait()
        self._read += 1
        return self.all[self._read - 1]

    def skip(self):
        """Forgets what was not read yet; returns how many events there are so far."""
        self._read = len(self.all)
        return self._read

    def values(self, since=0):
        """The values of all events from number `since` on, read or not."""
        return [event.value for event in self.all[since:]]
