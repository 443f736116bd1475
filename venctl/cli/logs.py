"""What a long-running command tells on stderr, for people or for programs."""

from __future__ import annotations

import json
import logging
import time

FORM = "%Y-%m-%d %H:%M:%S%z"


def to_stderr(format: str, verbose: bool) -> None:
    """From now on; `format` is `text` or `json`."""
    out = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", FORM)
    text.converter = time.localtime
    out.setFormatter(_Json() if format == "json" else text)
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, handlers=[out])
    logging.getLogger("venctl").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("transitions").setLevel(logging.ERROR)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = {
            "ts": round(record.created, 3),
            "level": record.levelname.lower(),
            "room": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(said | ({"error": repr(record.exc_info[1])} if record.exc_info else {}))
