"""Drivers that hold, switch and read circuits, and the panel that commands them."""

from .driver import Driver
from .driver_call import TIMEOUT_S
from .panel import Panel

__all__ = ["TIMEOUT_S", "Driver", "Panel"]
