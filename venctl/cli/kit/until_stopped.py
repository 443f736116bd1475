"""Ends a long-running command promptly, even if a thread still hangs."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, NoReturn

GRACE_S = 0.2


def run_until_stopped(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Run a command, then end the program with the exit code that it returns.

    When `work` returns, nothing is left to do. Python would wait forever for a driver's call that
    hangs in a thread or ignores cancellation; here it gets `GRACE_S`. Exceptions of `work` are
    raised, as in `asyncio.run`.
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
        with suppress(OSError, ValueError):  # the reader may be gone
            out.flush()
    os._exit(code)
