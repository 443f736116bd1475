"""A thousand commands a second at a real controller: who hears what, and how soon load is back.

`python -m bench.flood [SECONDS [A_SECOND]]`, a minute and 1,000 if not said. The brokers: the
stand-in, which keeps to our Receive Maximum; mosquitto with a window of 20; and mosquitto without
one, which sends all it has. Ten thousand wishes in the shadow come last. With a window mosquitto
2.0.11 delivers some messages before older ones: `shed after` judges the order of delivery, and
`early` counts what overtook an older command on the broker.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import deltas
from .brokers import Client, mosquitto, noting_order, resident_kb
from .children import SITE, controller
from .flooding import Flood, Page, Seen

SECONDS, A_SECOND = 60.0, 1_000
BROKERS = ("stand-in", "mosquitto 20", "mosquitto")
RESTORE_MS, MOST_MB = 1_000, 150
HEADS = ("broker", "sent", "once", "told by 0x97", "twice", "never", "overloaded", "shed after",
         "early", "restore ms", "on page ms", "ack p50", "p99", "MB", "log lines")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A controller at a broker: the broker's port, the controller's process, page and log.

    `order`: the file that notes in which order commands are delivered, where the broker is one that
    may change it.
    """

    port: int
    process: int
    web: str
    log: Path
    order: Path | None = None

    def client(self) -> Client:
        """Another client of the broker."""
        return Client(self.port, "wishes")


def main(seconds: float, a_second: int) -> None:
    print(*(f"{head:>12}" for head in HEADS))
    for name in BROKERS:
        with place(name) as at:
            seen = play(at, seconds, a_second)
            show(name, seen, len(at.log.read_text().splitlines()))
    print(f"goals: once or told by 0x97: all; shed after: 0; restore {RESTORE_MS}; MB {MOST_MB}")
    deltas.main(deltas.COUNT)


def play(at: Place, seconds: float, a_second: int) -> Seen:
    """One flood, over MQTT and with somebody at the page."""
    with Page(at.web) as page:
        seen = Flood(at.port).run(seconds, a_second, lambda: resident_kb(at.process))
        seen.page_ms = page.took_ms
    if at.order is not None:
        seen.delivered = at.order.read_text().split()
    return seen


@contextmanager
def place(broker: str) -> Iterator[Place]:
    """A controller at the broker with this name."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        order = None
        if broker == "stand-in":
            process, said = stack.enter_context(controller(folder, SITE))
            port = int(said["mqtt"].rpartition(":")[2])
        else:
            window = int(broker.partition(" ")[2] or 0)
            port, _ = stack.enter_context(mosquitto(folder, window))
            wire, order = stack.enter_context(noting_order(folder, port))
            cloud = f"cloud: {{kind: mqtt, host: 127.0.0.1, port: {wire}}}\n"
            process, said = stack.enter_context(controller(folder, SITE + cloud))
        yield Place(port, process, said["web"], folder / "out.txt", order)


def show(name: str, seen: Seen, lines: int) -> None:
    """One line of the table."""
    acks = list(seen.answers.values())
    told = (
        len(seen.sent),
        sum(len(one) == 1 for one in acks),
        len(seen.refused),
        sum(len(one) > 1 for one in acks),
        len(seen.unanswered()),
        sum(one[0][1].get("reason") == "overloaded" for one in acks),
        len(seen.shed_afterwards()),
        seen.early(),
        f"{seen.restore_ms():.0f}",
        f"{max(seen.page_ms, default=0):.0f}",
        f"{seen.latency_ms(0.5):.0f}",
        f"{seen.latency_ms(0.99):.0f}",
        seen.most_kb // 1024,
        lines,
    )
    print(f"{name:>12}", *(f"{one:>12}" for one in told))


if __name__ == "__main__":
    said = [float(word) for word in sys.argv[1:3]]
    main(*(said + [SECONDS, A_SECOND][len(said) :]))  # type: ignore[arg-type]
