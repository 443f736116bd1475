"""All figures."""

from . import core

if __name__ == "__main__":
    core.main()
