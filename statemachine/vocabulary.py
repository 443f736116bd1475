"""Every guard and action that a chart may name: importing a module declares what is in it."""

from __future__ import annotations

from . import actions, guards, twin_actions, twin_guards

DECLARED_IN = (actions, guards, twin_actions, twin_guards)
