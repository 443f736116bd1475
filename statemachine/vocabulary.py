"""Every guard and action that a chart may name: importing a module declares what is in it."""

from __future__ import annotations

from .chart import event_actions as actions
from .chart import event_guards as guards
from .shadow import actions as twin_actions
from .shadow import guards as twin_guards

DECLARED_IN = (actions, guards, twin_actions, twin_guards)
