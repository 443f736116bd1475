"""From a command over MQTT to its durable ack, beside the least that such an answer can cost.

Both sides hang on the same broker, the controller's own, and take turns in one run.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from .children import child, controller, done, until

COUNT = 500
SLOW_MS = 30.0
HERE = Path(__file__).parent


def main() -> None:
    with tempfile.TemporaryDirectory() as made, controller(Path(made)) as (_, said):
        folder, port = Path(made), said["mqtt"].rpartition(":")[2]
        with child(folder, str(HERE / "echo.py"), port, made):
            until((folder / "echo.ready").exists, "the echo")
            done(folder, str(HERE / "peer.py"), port, str(COUNT), str(folder / "took.json"))
        report(json.loads((folder / "took.json").read_text()))


def report(took_ms: dict[str, list[float]]) -> None:
    """Print both sides, their ratios, and in brackets the most that is aimed at."""
    ven, control = sorted(took_ms["ven"]), sorted(took_ms["control"])
    for name, side in (("command to durable ack", ven), ("echo and one commit", control)):
        slow = 100 * _share_over(side, SLOW_MS)
        print(
            f"{name:<23} {len(side)} of {COUNT}   p50 {_at(side, 0.5):6.2f} ms"
            f"   p95 {_at(side, 0.95):6.2f} ms   over 30 ms {slow:4.1f} %"
        )
    p50, p95 = (_at(ven, share) / _at(control, share) for share in (0.5, 0.95))
    more = 100 * (_share_over(ven, SLOW_MS) - _share_over(control, SLOW_MS))
    print(
        f"{'  times that':<23}              p50 {p50:6.2f} (2)  p95 {p95:6.2f} (3)"
        f"  over 30 ms {more:+4.1f} % (+1)"
    )


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _share_over(times: list[float], limit: float) -> float:
    return sum(one > limit for one in times) / len(times)


if __name__ == "__main__":
    main()
