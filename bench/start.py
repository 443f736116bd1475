"""How long `venctl run` takes until it serves, what memory it holds, and how quick a command is."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from .children import controller, done

STARTS, CALLS = 5, 9


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        bare_s = median(_took_s(lambda: done(folder, "-c", "")) for _ in range(CALLS))
        print(f"python, doing nothing    {1e3 * bare_s:7.0f} ms")
        _starts(folder, bare_s)
        with controller(folder):
            ping = ("-m", "venctl", "trigger", "ping")
            took_s = median(_took_s(lambda: done(folder, *ping)) for _ in range(CALLS))
        print(f"venctl trigger ping      {1e3 * took_s:7.0f} ms  {took_s / bare_s:5.1f} x that")


def _starts(folder: Path, bare_s: float) -> None:
    took_s, peak_mb, now_mb = [], [], []
    for _ in range(STARTS):
        began_s = time.perf_counter()
        with controller(folder) as (pid, _):
            took_s.append(time.perf_counter() - began_s)
            peak_mb.append(_memory_mb(pid, "VmHWM"))
            now_mb.append(_memory_mb(pid, "VmRSS"))
    start_s = median(took_s)
    print(
        f"venctl run to ready      {1e3 * start_s:7.0f} ms  {start_s / bare_s:5.1f} x that"
        f"   VmRSS {median(now_mb):.0f} MB, VmHWM {median(peak_mb):.0f} MB"
    )


def _took_s(work: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _memory_mb(pid: int, name: str) -> float:
    if os.name != "posix" or not Path("/proc/self/status").exists():
        return float("nan")
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


if __name__ == "__main__":
    main()
