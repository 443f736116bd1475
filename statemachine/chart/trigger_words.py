"""What rows of a chart may wait for, and when it comes."""

from __future__ import annotations

EVENT_TRIGGERS = {
    "dr_event": "an event is called, or called again with new terms",
    "restore": "somebody wants load back",
    "cancel": "whoever called the event takes it back",
    "started": "`until: start` of the state is reached",
    "ended": "`until: end` of the state is reached",
    "elapsed": "`for` of the state is over",
    "released": "nothing is held beyond the plan, as drivers confirm or 6 s later; "
    "in a state that sheds at once",
    "achieved": "95 % of what the event asks for is measured",
    "underperforming": "less is measured for 30 s",
}
SHADOW_TRIGGERS = {
    "connected": "the link is up",
    "disconnected": "the link is gone",
    "restarted": "the program came back",
    "document": "the answer to `get_shadow`",
    "delta": "the shadow says that desired and reported differ",
    "applied": "every wish has an end",
    "settled": "the update of `settle` was taken",
    "reported": "the update of `report` was taken",
    "refused": "a request was refused, or never answered",
    "elapsed": "`for` of the state is over, or the pause of `back_off`",
}
