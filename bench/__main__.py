"""All figures, or those named: `python -m bench ack start core`."""

import sys

from . import ack, check, cloud, core, devices, growth, simulate, start

ALL = {
    "ack": ack,
    "start": start,
    "check": check,
    "core": core,
    "growth": growth,
    "devices": devices,
    "cloud": cloud,
    "simulate": simulate,
}

if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - ALL.keys():
        sys.exit(f"nothing is measured under {', '.join(unknown)}; there are: {', '.join(ALL)}")
    for name in sys.argv[1:] or ALL:
        ALL[name].main()
