"""What many ask at about the same moment is answered together: one transaction instead of one for each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from syncd.store.troubles import StoreUnavailable

Q = TypeVar("Q")
A = TypeVar("A")


class Gathered(Generic[Q, A]):
    """Whoever asks while others are being answered is answered with all who came meanwhile; nobody waits for company.

    `answer` gets the questions in the order in which they came, `most` of them at a time, and returns to each what is
    its own: an answer, or the exception that it alone is to raise. Where `answer` itself raises, nothing was answered:
    each is asked once more by itself, so that one odd question costs its neighbours nothing. When the store cannot be
    reached that would help nobody, and each raises it. `unheard` is told the answers that came too late: whoever had
    asked was cancelled meanwhile.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]],
        most: int = 200,
        *,
        unheard: Callable[[Sequence[A]], Awaitable[None]] | None = None,
    ) -> None:
        self._answer = answer
        self._most = most
        self._unheard = unheard
        self._late: list[A] = []
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._answering: asyncio.Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """The answer to `question`. Who is cancelled before its round has begun has not asked."""
        mine: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, mine))
        self._go_on()
        try:
            return await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.exception() is None:  # told, and gone in the same moment
                self._late.append(mine.result())
                self._go_on()
            raise

    def _go_on(self) -> None:
        if self._answering is None or self._answering.done():
            self._answering = asyncio.create_task(self._rounds())

    async def over(self, within: float) -> None:
        """Until nobody is being answered. What takes longer than `within` seconds is cancelled, and so is who waits."""
        if self._answering is not None:
            _, late = await asyncio.wait({self._answering}, timeout=within)
            for one in late:
                one.cancel()
            await asyncio.wait({self._answering})

    async def _rounds(self) -> None:
        asked: list[tuple[Q, asyncio.Future[A]]] = []
        try:
            while (asked := self._next()) or self._late:
                await self._round(asked)
        except asyncio.CancelledError:
            for _, waits in (*asked, *self._waiting):
                waits.cancel()
            raise

    async def _round(self, asked: Sequence[tuple[Q, asyncio.Future[A]]]) -> None:
        answers = await self._answers([question for question, _ in asked]) if asked else []
        for (_, waits), answer in zip(asked, answers, strict=True):
            if waits.done():
                self._late += [] if isinstance(answer, BaseException) else [answer]
            elif isinstance(answer, BaseException):
                waits.set_exception(answer)
            else:
                waits.set_result(answer)
        late, self._late = self._late, []
        if late and self._unheard is not None:  # what befalls that is nobody's trouble here
            await asyncio.gather(self._unheard(late), return_exceptions=True)

    async def _answers(self, questions: Sequence[Q]) -> Sequence[A | BaseException]:
        (found,) = await asyncio.gather(self._told(questions), return_exceptions=True)
        if not isinstance(found, BaseException):
            return found
        if len(questions) == 1 or isinstance(found, StoreUnavailable) or not isinstance(found, Exception):
            return [found] * len(questions)
        return [answer for question in questions for answer in await self._answers([question])]

    async def _told(self, questions: Sequence[Q]) -> Sequence[A | BaseException]:
        try:
            return await self._answer(questions)
        except asyncio.CancelledError as end:  # theirs as much as ours
            return [end] * len(questions)

    def _next(self) -> list[tuple[Q, asyncio.Future[A]]]:
        """Those of the next round, without whoever has gone."""
        asked: list[tuple[Q, asyncio.Future[A]]] = []
        while self._waiting and len(asked) < self._most:
            question, waits = self._waiting.popleft()
            if not waits.done():
                asked.append((question, waits))
        return asked
