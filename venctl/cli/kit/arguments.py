"""Argument types for argparse that state the allowed range in their errors."""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path


def whole(least: int, most: int) -> Callable[[str], int]:
    """For argparse: a whole number from `least` to `most`."""

    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else None
        if number is None or not least <= number <= most:
            raise _refused(text, f"a whole number from {least:,} to {most:,}")
        return number

    return read


def number(least: float, most: float) -> Callable[[str], float]:
    """For argparse: a number from `least` to `most`; `nan` is refused."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise _refused(text, f"a number from {least:,} to {most:,}")
        return value

    return read


def port(text: str) -> int:
    """For argparse: a port to listen on; 0 takes any free port."""
    try:
        return whole(0, 65_535)(text)
    except ArgumentTypeError:
        why = "is not a port; use 0 to 65535, where 0 picks a free port"
        raise ArgumentTypeError(f"{text[:40]!r} {why}") from None


def folder(text: str) -> Path:
    """For argparse: a folder, which need not exist yet."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise _refused(text, "a folder")
    return path


def new_file(text: str) -> Path:
    """For argparse: a file to write, which may already exist."""
    path = Path(text)
    if path.is_dir():
        raise _refused(text, "a file; it is a folder")
    return path


def account(text: str) -> str:
    """For argparse: an AWS account number."""
    if not re.fullmatch(r"[0-9]{12}", text):
        raise _refused(text, "an AWS account number; it has 12 digits")
    return text


def _refused(text: str, wanted: str) -> ArgumentTypeError:
    return ArgumentTypeError(f"{text[:40]!r} is not {wanted}")
