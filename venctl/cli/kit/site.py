"""Reads the ven.yaml that a command is about."""

from __future__ import annotations

from pathlib import Path

from statemachine import Spec, SpecError

from ...base.local_site import read_local_site
from ...base.private_files import read_text
from ...devices.catalog import devices_beside


def site(file: Path) -> Spec:
    """The site in a ven.yaml. Raises OSError, or ValueError that lists every error in the file."""
    try:
        return read_local_site(read_text(file), str(file), devices_beside(file))
    except SpecError as error:
        raise ValueError("\n".join(fault.pretty() for fault in error.faults)) from None
