"""The end of a command that runs until it is told to stop: in time, whatever still hangs."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, NoReturn

GRACE_S = 0.2


def to_the_end(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Run a command and end the program with the exit code that it answers.

    Once `work` is done, all that can be done is done. Python would wait for ever for a driver's
    call that sits in a thread or minds no cancelling; here it has `GRACE_S`. What `work` raises is
    raised, as by `asyncio.run`.
    """
    with asyncio.Runner() as runner:
        code = runner.run(work)
        runner.run(_grace())
        _leave(code)


async def _grace() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=GRACE_S)


def _leave(code: int) -> NoReturn:
    logging.shutdown()
    for out in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody listens any more
            out.flush()
    os._exit(code)
