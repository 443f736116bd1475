"""Every guard and action that a chart can name: importing these modules declares them."""

from __future__ import annotations

from .chart import event_actions, event_guards
from .shadow import actions, guards

DECLARED_IN = (event_actions, event_guards, actions, guards)
