"""`venctl check` on the 60-circuit site, as its user waits for it: the whole process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

BUILDING = Path(__file__).parent.parent / "examples" / "building.yaml"


def main() -> None:
    bare_s, took_s = [], []
    for _ in range(7):  # in turns, so that a busy machine slows both
        bare_s.append(_whole("-c", "pass"))
        took_s.append(_whole("-m", "venctl", "check", str(BUILDING)))
    seconds, ratio = median(took_s), median(took_s) / median(bare_s)
    print(f"venctl check    60 circuits  {seconds:9.3f} s  {ratio:8.1f} x a bare interpreter")


def _whole(*args: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *args], check=True, capture_output=True, timeout=60)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
