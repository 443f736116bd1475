"""One word, one meaning: the glossary is used, retired words are gone, no class stands twice."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

PACKAGES = ("statemachine", "web", "venctl")
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
TREES = {file: ast.parse(file.read_text("utf-8")) for file in FILES}
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in GLOSSARY.splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| term |"))
]

# A word that is no longer a module, a class or a public function, and the word for it now.
RETIRED = {
    "Account": "Observer",
    "AckBook": "OpenCommands",
    "Aftermath": "DecisionFeed",
    "aftermath": "decision_feed",
    "Agenda": "Timeline",
    "agenda": "timeline",
    "ails": "circuit_fault",
    "alien": "unknown_table",
    "apart": "run_in_thread",
    "Approach": "ConnectionSupervisor",
    "approach": "supervisor",
    "aside": "set_aside",
    "at_rest": "is_idle",
    "Audience": "Watchers",
    "audience": "watchers",
    "Back": "ReturnForecast",
    "Bad": "BadRequest",
    "Basis": "PlanBasis",
    "begun": "begun_events",
    "believed": "plausible_readings",
    "Broken": "Violation",
    "brought_up": "upgrade_parts",
    "Called": "ObservedEvent",
    "Calls": "ObservedEvents",
    "calls": "observed_events",
    "carry_out": "hold_and_release",
    "Coming": "Returning",
    "coming_back": "forecast_returns",
    "cut_off": "interrupted_text",
    "Damaged": "DatabaseDamaged, JournalDamaged",
    "deeds": "step_text",
    "delivery_news": "delivery_tracking",
    "Desk": "ControllerPort",
    "desk": "controller_port",
    "Diary": "DayReport",
    "Dice": "RandomSource",
    "Door": "Origin",
    "Down": "LinkLost",
    "Editing": "Reloader",
    "every_name": "all_names",
    "Everything": "AllowAll",
    "Fault": "Finding",
    "for_good": "is_permanent",
    "Found": "FileContent, Counterexample, StoredSessions, JournalContent",
    "glimpse": "read_without_opening",
    "graded": "returns_in_part",
    "Greeting": "Handshake",
    "Guarded": "GuardedCircuit",
    "hear_held": "apply_held",
    "hear_noticed": "apply_noticed",
    "hear_readings": "apply_readings",
    "hear_switched": "apply_switched",
    "held_back": "awaiting_return",
    "here": "local_site",
    "Hub": "Broadcaster",
    "hung_up": "broker_closed",
    "intake": "apply",
    "invent": "generate_days",
    "invent_day": "generate_day",
    "invent_loads": "generate_loads",
    "is_home": "is_loopback_name",
    "keeper": "shadow_server",
    "keeper_for": "shadow_server_for",
    "Kept": "StoredSession",
    "kept_down": "bridged_circuits",
    "knows_nothing": "refuses_unknown_event",
    "lasting": "duration",
    "led": "next_state",
    "Ledger": "PendingRows",
    "ledger": "pending_rows",
    "left_out": "excluded_spans",
    "legible": "check_readable",
    "Letter": "StoredMessage",
    "Letters": "MessageStore",
    "Line": "WaitingLine, ReportRow",
    "line": "waiting_line",
    "LinkDown": "SendFailed",
    "Live": "CircuitState",
    "Loading": "LoadStep",
    "LocalCloud": "StandInServer",
    "Locking": "LockStep",
    "long_away": "link_long_lost",
    "look_into": "read_journal",
    "Lookout": "HealthMonitor",
    "lookout": "health_monitor",
    "Loosened": "HoldEased",
    "Malformed": "MalformedPacket",
    "Meanwhile": "DeferredCommands",
    "meanwhile": "deferred_commands",
    "news": "events",
    "NobodyAnswers": "NoControllerError",
    "NotAllowed": "SendRefused",
    "Note": "RetainedMessage",
    "note_silence": "note_missing_answers",
    "Notes": "BackgroundFiles",
    "NotFinite": "NotFiniteError",
    "notices": "delivery_tracking",
    "NotJson": "NotJsonError",
    "NotLetIn": "TokenRefusedError",
    "NotNow": "JournalUnavailable",
    "NotUtf8": "NotUtf8Error",
    "Observed": "DeviceState",
    "OtherVersion": "UnsupportedVersion",
    "Outside": "Environment",
    "outside": "environment",
    "Parcel": "QueuedMessage",
    "Passed": "Transition",
    "passing_token": "temporary_token",
    "Past": "PastEvent",
    "Performing": "EffectRunner",
    "performing": "effect_runner",
    "Place": "BrokerAddress",
    "Played": "PlayedDay",
    "PolicyFault": "PolicyError",
    "PortTaken": "PortInUse",
    "PromptStore": "SyncedShadowStore",
    "Raised": "FailureLog",
    "raised": "failure_log",
    "recalled": "with_earlier_answer",
    "recovers_ms": "recovery_left_ms",
    "Relink": "ReplaceableLink",
    "relink": "replaceable",
    "rest_ms": "idle_after_ms",
    "rests_ms": "must_stay_off_ms",
    "Room": "SpareCapacity, ByteBudget",
    "Roster": "SessionRegistry",
    "runs_ms": "must_stay_on_ms",
    "salvaged": "salvage_parts",
    "saves_w": "saved_by_person_w",
    "Seen": "ObservedCircuit, ReadJournal",
    "Shadowing": "ShadowProtocol",
    "ShadowKeeper": "ShadowServer",
    "Shadows": "ShadowAdapter",
    "shards": "named_shadows",
    "sheds_w": "event_required_w",
    "Shelf": "SessionStore",
    "shut": "closed_to_events",
    "Slice": "TimeSlice",
    "smaller": "shrink",
    "spelled": "case_text",
    "spinning": "endless_loops",
    "spoken": "to_command",
    "spread": "start_random_return",
    "stamp": "update_history",
    "stamps": "history",
    "still_asked": "failing_holds",
    "story": "narrate",
    "Stuck": "StuckCircuit",
    "Switching": "SwitchStep",
    "take_notice": "track_delivery",
    "Taken": "StateFolderInUse",
    "TakingBack": "CancelStep",
    "tell_problems": "report_problems",
    "Teller": "Narrator",
    "thousandfold": "milliseconds_hint",
    "thrown": "random_day",
    "Told": "DeviceAnswer",
    "Track": "DayHistory",
    "trials": "generate_panels",
    "Tried": "SearchProgress",
    "Trouble": "FaultStep",
    "Turned": "OnOffChange",
    "turned_round": "with_reversed_ties",
    "Twin": "Pair, ShadowClient",
    "twins": "pairs",
    "uncovered": "unhandled_case",
    "unfit": "event_refusal",
    "unheard": "older_mqtt_hint",
    "unreached": "unreachable_states",
    "Unreadable": "JsonError",
    "unstored": "mark_unstored",
    "untaken": "unhandled_timers",
    "Up": "LinkUp",
    "verdict": "reason_codes",
    "Visit": "Examination",
    "Visitor": "OwnConnection",
    "visitors": "requester",
    "Waiting": "QueuedTrigger",
    "Waits": "ReturnWaits",
    "Wanted": "WantedState, CircuitRequest",
    "way": "preflight",
    "Whereabouts": "FileIdentity",
    "whereabouts": "file_identity",
    "who_has": "port_user_text",
    "who_of": "requester_text",
    "why_shut": "closed_reason",
    "Will": "LastWill",
    "Wishing": "WishStep",
    "Witness": "Probe",
    "Word": "RunningController, OutgoingMessage",
    "word_of": "op_text",
    "wording": "step_commands",
    "worth_keeping": "must_keep",
    "Wrong": "ConfigProblem",
}


def named(tree: ast.Module) -> Iterator[str]:
    """Everything that a module gives a name: classes, functions, fields, values, parameters."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name


def public(file: Path, tree: ast.Module) -> Iterator[str]:
    """The module itself, its classes and its public functions."""
    yield file.stem
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


NAMED = {name for tree in TREES.values() for name in named(tree)}
PUBLIC = {name for file, tree in TREES.items() for name in public(file, tree)}


@pytest.mark.parametrize(("term", "meaning", "names"), ROWS, ids=[row[0] for row in ROWS])
def test_each_term_has_a_meaning_and_a_name_in_the_source(
    term: str, meaning: str, names: str
) -> None:
    assert term and meaning
    listed = re.findall(r"`(\w+)`", names)
    assert listed and not set(listed) - NAMED


def test_each_term_stands_once_in_the_glossary() -> None:
    terms = Counter(row[0] for row in ROWS)
    assert len(terms) >= 30
    assert not [term for term, times in terms.items() if times > 1]


def test_no_retired_word_is_a_module_a_class_or_a_public_function() -> None:
    assert not {old: RETIRED[old] for old in sorted(set(RETIRED) & PUBLIC)}


def test_no_class_name_stands_twice() -> None:
    classes = Counter(
        node.name
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    )
    assert not sorted(name for name, times in classes.items() if times > 1)
