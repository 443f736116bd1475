"""Libraries that are installed only where they are wanted: `pip install 'venctl[ocpp]'`."""

from __future__ import annotations

from importlib.util import find_spec

# Of each protocol: the extra, and the module that it brings.
EXTRAS = {"ocpp": ("ocpp", "ocpp"), "bacnet": ("bacnet", "bacpypes3")}


def missing(speaks: str) -> str | None:
    """What to install to speak a protocol, in a sentence; None if nothing is missing."""
    extra, module = EXTRAS.get(speaks, ("", ""))
    if not module or find_spec(module) is not None:
        return None
    return f"{speaks} needs a library that is not installed: pip install 'venctl[{extra}]'"
