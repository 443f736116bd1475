"""Which process uses a port, if the system can tell."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def port_user_text(port: int) -> str:
    """` by python3 (process 123)`, or "" if it is unknown."""
    inode = _inode(port)
    if inode is None:
        return ""
    wanted = f"socket:[{inode}]"
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(_target(link) == wanted for link in (process / "fd").iterdir()):
                name = (process / "comm").read_text().strip()
                return f" by {name} (process {process.name})"
    return ""


def _inode(port: int) -> str | None:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    return fields[9]
    return None


def _target(link: Path) -> str:
    with suppress(OSError):
        return str(link.readlink())
    return ""
