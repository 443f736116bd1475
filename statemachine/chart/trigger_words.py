"""The triggers of each chart, and when each comes."""

from __future__ import annotations

EVENT_TRIGGERS = {
    "dr_event": "an event is requested, or revised with new terms",
    "restore": "somebody wants load back",
    "cancel": "the event is cancelled by its sender",
    "started": "the event starts, in a state with `until: start`",
    "ended": "the event ends, in a state with `until: end`",
    "elapsed": "the time `for` of the state is over",
    "released": "all load that no event needs is back, as drivers confirm or 6 s later; "
    "in a state that sheds it comes at once",
    "achieved": "95 % of the requested load is measured as shed",
    "underperforming": "less than that is measured for 30 s",
}
SHADOW_TRIGGERS = {
    "connected": "the link to the cloud is up",
    "disconnected": "the link to the cloud is lost",
    "restarted": "the program was started again",
    "document": "the document that `get_shadow` asked for has arrived",
    "delta": "the cloud reports that desired and reported state differ",
    "applied": "every desired change is done or refused",
    "settled": "the update by `settle` was accepted",
    "reported": "the update by `report` was accepted",
    "refused": "a request to the shadow was refused or not answered",
    "elapsed": "the time `for` of the state is over, or the pause of `back_off`",
}
