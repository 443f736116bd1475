"""The controller: everything that uses the clock, the network, the disk or a breaker."""

import sys
from pathlib import Path

__version__ = "0.1.0"

# `statemachine` and `web` are next to this folder in a checkout and in `_rooms` in a wheel, where
# they cannot overwrite python-statemachine or web.py. In this process these names are ours.
_rooms = Path(__file__).parent / "_rooms"
sys.path.insert(0, str(_rooms if _rooms.is_dir() else Path(__file__).parent.parent))
