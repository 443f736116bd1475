"""T10 of the battery: a journal that was damaged in any way costs at most itself, never the start.

Every case starts from the files of a site in mid-event, as a power cut leaves them. FLIPS=2000
turns over as many bits (`make damage`); in CI it is 60.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from statemachine import Ven
from statemachine.journal.integrity import check_parts
from statemachine.journal.salvage import salvage_parts
from statemachine.state.cloud_triggers import Document
from statemachine.state.desires import Wish
from statemachine.state.memory import Memory
from statemachine.state.parts import FORMAT, from_parts, to_parts
from statemachine.state.triggers import Connected, Readings, Restarted, Timer
from statemachine.wire.commands import Origin, command_from
from tests.kit.core.write_journals import MONO_MS, NOW_MS, Story, tell
from tests.kit.simulated.storing import look_and_open
from venctl.store.journal import Batch, Journal
from venctl.store.opening import JournalContent, JournalUnavailable
from venctl.store.reading import size

FLIPS = int(os.environ.get("FLIPS") or (60 if os.environ.get("CI") else 200))
PAGE, DAY_MS = 4096, 86_400_000
JSON: dict[str, Any] = {
    "null": None,
    "true": True,
    "number": 7,
    "fraction": 0.5,
    "text": "text",
    "list": [],
    "lists": [[1]],
    "object": {},
    "huge": 10**400,
}
WISH = Wish("misc1", True, NOW_MS // 1000 + 300)
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The journal and its -wal in mid-event: some decisions are in one, some in the other."""
    file = tmp_path_factory.mktemp("whole") / "journal.db"
    story = Story(file)
    tell(story)
    story.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    story.ask(op="event", event_id="more", shed_kw=0.5, duration_s=600)
    story.passes(30_000)
    files = {end: file.with_name(file.name + end).read_bytes() for end in ("", "-wal", "-shm")}
    story.db.close()
    assert min(map(len, files.values())) > PAGE
    return files


@pytest.fixture(scope="module")
def site() -> Story:
    """The site that the journal is of."""
    return Story(Path(":memory:"))


def laid(folder: Path, files: Mapping[str, bytes | None]) -> Path:
    folder.mkdir()
    for end, text in files.items():
        if text is not None:
            (folder / f"journal.db{end}").write_bytes(text)
    return folder / "journal.db"


def started(ven: Ven, parts: Mapping[str, Any]) -> Memory:
    """What a start makes of the parts, and the one decision that it makes on trial."""
    stamps = {"at_ms": NOW_MS + 300_000, "mono_ms": MONO_MS + 300_000}
    return ven.decide(from_parts(ven.spec, parts), Restarted(**stamps, boot="boot-1"))[0]


def days(ven: Ven, memory: Memory) -> Memory:
    """What is left of a memory after a reading, a cloud, a question, and a look a day later."""
    ms, id = 300_000, ven.spec.site.id
    stamps = {"at_ms": NOW_MS + ms, "mono_ms": MONO_MS + ms}
    rated = {id: circuit.rated for id, circuit in ven.spec.circuits.items()}
    door = Origin("operator", "mqtt:1", **stamps)
    for trigger in (
        Readings(**stamps, drawn_w=rated, unmetered_w=300),
        Connected(**stamps),
        Document(**stamps, token=memory.shadow.token + 1, version=99, wishes=(WISH,)),
        *(command_from({"op": "get", "what": what}, id, door) for what in ("status", "loads")),
        Timer(at_ms=NOW_MS + DAY_MS, mono_ms=MONO_MS + DAY_MS),
    ):
        memory, _ = ven.decide(memory, trigger)
    return memory


def survived(site: Story, folder: Path, files: Mapping[str, bytes | None]) -> JournalContent | None:
    """What a start makes of damaged files. It goes on, and what it could not use is kept."""
    file = laid(folder, files)

    try:
        connection, found = look_and_open(
            file,
            lambda parts: started(site.ven, parts) and None,
            partial(salvage_parts, site.ven.spec),
        )
    except JournalUnavailable:
        assert {end: (folder / f"journal.db{end}").exists() for end in files} == {
            end: text is not None for end, text in files.items()
        }
        return None
    with closing(connection):
        after = days(site.ven, started(site.ven, found.parts))
        timer = Timer(at_ms=NOW_MS, mono_ms=MONO_MS)
        Journal(connection).write(Batch(after, [(timer, [])]))
    if found.lost is not None:
        assert kept(folder) == {end: text for end, text in files.items() if text and end != "-shm"}
    return found


def kept(folder: Path) -> Files:
    """What was set aside, but for the -shm and an empty -wal, which SQLite makes as it reads."""
    [name] = {one.name for one in folder.glob("journal.db.*-*Z")} or {""}
    ends = ("", "-wal", "-journal")
    asides = dict.fromkeys(ends, folder / (name or "journal.db.none"))
    found = {end: one.with_name(one.name + end) for end, one in asides.items()}
    return {end: one.read_bytes() for end, one in found.items() if one.exists() and size(one)}


def without(files: Files, *ends: str) -> Files:
    return {end: text for end, text in files.items() if end not in ends}


def settled(folder: Path, whole: Files) -> Files:
    """The same journal once all of it is in one file."""
    return edited(folder, whole)


def flipped(files: Files, dice: random.Random) -> Files:
    """One bit turned over: in the file, or in its -wal where it has one."""
    end = dice.choice([end for end in ("", "-wal") if end in files])
    text = bytearray(files[end])
    text[dice.randrange(len(text))] ^= 1 << dice.randrange(8)
    return {**without(files, "-shm"), end: bytes(text)}


def test_one_bit_turned_over_anywhere_costs_no_start(
    site: Story, whole: Files, tmp_path: Path
) -> None:
    lost, one_file = 0, settled(tmp_path / "settled", whole)
    for seed in range(FLIPS):
        dice = random.Random(seed)
        found = survived(site, tmp_path / str(seed), flipped(dice.choice((whole, one_file)), dice))
        assert found is not None, f"seed {seed}"
        lost += found.lost is not None
    assert 0 < lost < FLIPS


def test_one_bit_turned_over_in_the_table_of_tables_costs_no_start(
    site: Story, whole: Files, tmp_path: Path
) -> None:
    one_file = settled(tmp_path / "settled", whole)[""]
    said = [place for place in range(PAGE) if one_file[place]]
    for seed in range(FLIPS):
        dice, text = random.Random(seed), bytearray(one_file)
        text[dice.choice(said)] ^= 1 << dice.randrange(8)
        assert survived(site, tmp_path / str(seed), {"": bytes(text)}) is not None, f"seed {seed}"


@pytest.mark.parametrize("place", [18, 19])
def test_a_header_that_forbids_to_read_or_write_is_damage(
    site: Story, whole: Files, tmp_path: Path, place: int
) -> None:
    text = bytearray(settled(tmp_path / "settled", whole)[""])
    text[place] = 3
    found = survived(site, tmp_path / "site", {"": bytes(text)})
    assert found is not None and found.lost is not None


def lengths(size: int) -> list[int]:
    return sorted({*range(0, size, PAGE), 1, 31, 33, 99, 100, 511, 5000, size // 2 + 7, size - 1})


@pytest.mark.parametrize("end", ["", "-wal"])
def test_a_file_cut_short_costs_no_start(
    site: Story, whole: Files, tmp_path: Path, end: str
) -> None:
    for length in lengths(len(whole[end])):
        damaged = {**without(whole, "-shm"), end: whole[end][:length]}
        found = survived(site, tmp_path / str(length), damaged)
        assert found is not None, f"{length} bytes"


def test_a_header_or_a_page_of_zeros_costs_no_start(
    site: Story, whole: Files, tmp_path: Path
) -> None:
    for end, length in (("", 100), ("", 16), ("-wal", 32)):
        damaged = {**without(whole, "-shm"), end: bytes(length) + whole[end][length:]}
        assert survived(site, tmp_path / f"header{end}{length}", damaged) is not None
    for page in range(0, len(whole[""]), PAGE):
        text = whole[""][:page] + bytes(PAGE) + whole[""][page + PAGE :]
        assert survived(site, tmp_path / f"page{page}", {"": text}) is not None


def test_what_can_be_read_of_a_damaged_journal_goes_on_and_is_stored_anew(
    site: Story, whole: Files, tmp_path: Path
) -> None:
    """Page by page: what lies on the others is known, and is what was there."""
    one_file = settled(tmp_path / "settled", whole)[""]
    truth = survived(site, tmp_path / "truth", {"": one_file})
    assert truth is not None and truth.lost is None
    saved, answers = set[str](), 0
    for page in range(1, len(one_file) // PAGE):
        text = one_file[: page * PAGE] + bytes(PAGE) + one_file[(page + 1) * PAGE :]
        found = survived(site, tmp_path / f"page{page}", {"": text})
        assert found is not None
        if found.lost is None or not found.parts:
            continue
        assert "parts that could be read" in found.lost
        assert {name for name, value in found.parts.items() if value != truth.parts[name]} <= {
            "site"
        }
        assert set(found.answered) <= set(truth.answered)
        saved |= found.parts.keys()
        answers += len(found.answered)
    assert saved == truth.parts.keys() and answers


def test_a_log_of_another_database_or_none_costs_no_start(
    site: Story, whole: Files, tmp_path: Path
) -> None:
    other = Story(tmp_path / "other.db")
    other.hear(Restarted, boot="other")
    other.db.execute("CREATE TABLE more (one)")
    foreign = (tmp_path / "other.db-wal").read_bytes()
    other.db.close()
    for name, files in {
        "foreign": {**whole, "-wal": foreign},
        "foreign too": {"": whole[""], "-wal": foreign},
        "its own -shm is gone": without(whole, "-shm"),
        "-wal is gone": without(whole, "-wal"),
        "both are gone": {"": whole[""]},
        "noise beside it": {"": whole[""], "-wal": whole[""], "-shm": whole["-wal"]},
    }.items():
        found = survived(site, tmp_path / name, files)
        assert found is not None, name
        assert found.lost is not None or "events/now" in found.parts, name


def test_a_missing_shm_costs_nothing(site: Story, whole: Files, tmp_path: Path) -> None:
    found = survived(site, tmp_path / "one", without(whole, "-shm"))
    assert found is not None and found.lost is None
    assert {"events/now", "events/later", "events/more"} <= found.parts.keys()


# -- what SQLite takes, and is no memory -----------------------------------------------------------


def edited(folder: Path, whole: Files, *statements: str, **values: Any) -> Files:
    """The files after somebody wrote to the journal; `values` for `:name` in the statements."""
    file = laid(folder, without(whole, "-shm"))
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement, values)
    return {"": file.read_bytes()}


def parts_of(folder: Path, whole: Files) -> dict[str, Any]:
    with closing(sqlite3.connect(laid(folder, without(whole, "-shm")))) as db:
        return {name: json.loads(text) for name, text in db.execute("SELECT name, value FROM part")}


EDITS: dict[str, tuple[str, ...]] = {
    "a part that is no JSON": ("UPDATE part SET value = '{\"a\":' WHERE name = 'site'",),
    "a part that is no number": ("UPDATE part SET value = '{\"a\":NaN}' WHERE name = 'site'",),
    "a part too deep": (f"UPDATE part SET value = '{'[' * 9000}' WHERE name = 'site'",),
    "a part of bytes": ("UPDATE part SET value = x'ff00' WHERE name = 'site'",),
    "text that is none": ("UPDATE part SET value = CAST(x'ff7b' AS TEXT) WHERE name = 'site'",),
    "half a character": ("UPDATE part SET value = '{\"boot\":\"\\ud800\"}' WHERE name = 'site'",),
    "a name twice": ('UPDATE part SET value = \'{"boot":1,"boot":"b"}\' WHERE name = \'site\'',),
    "a part nobody knows": ("INSERT INTO part VALUES ('weather', '{}')",),
    "a shelf nobody knows": ("INSERT INTO part VALUES ('loads/one', '{}')",),
    "a name of bytes": ("INSERT INTO part VALUES (x'00ff', '{}')",),
    "an event under another's name": ("UPDATE part SET name='events/no' WHERE name='events/now'",),
    "no site": ("DELETE FROM part WHERE name = 'site'",),
    "no memory": ("DELETE FROM part",),
    "an answer of nothing": ("UPDATE answered SET ack = ''",),
    "an answer that is no JSON": ("UPDATE answered SET ack = '{\"op\"'",),
    "an answer that is a list": ("UPDATE answered SET ack = '[]'",),
    "an answer of bytes": ("UPDATE answered SET ack = x'00'",),
    "a revision of text": ("UPDATE answered SET revision = 'one'",),
    "a huge revision": ("UPDATE answered SET revision = 9223372036854775807",),
    "a time that is a fraction": ("UPDATE answered SET at_ms = 1.5",),
    "a letter of nothing": ("UPDATE todo SET body = ''",),
    "a letter of bytes": ("UPDATE todo SET body = x'01'",),
    "a letter of a kind of bytes": ("UPDATE todo SET kind = x'01'",),
    "a letter far away": ("UPDATE todo SET seq = 9223372036854775807 WHERE seq = 1",),
    "a counter of text": ("UPDATE counter SET value = 'many'",),
    "a huge counter": ("UPDATE counter SET value = 9223372036854775807",),
    "a table nobody knows": ("CREATE TABLE more (one)",),
    "a table with more": ("ALTER TABLE todo ADD COLUMN more",),
    "another program's": ("DROP TABLE part", "CREATE TABLE part (id INTEGER, text TEXT)"),
    "a newer format": (f"PRAGMA user_version={FORMAT + 3}",),
    "a format below all": ("PRAGMA user_version=-7",),
}
NULLS = {
    "an answer that is NULL": ("answered", "ack"),
    "a letter that is NULL": ("todo", "body"),
    "a part that is NULL": ("part", "value"),
}


@pytest.mark.parametrize("name", EDITS)
def test_what_no_journal_of_ours_says_is_set_aside(
    site: Story, whole: Files, tmp_path: Path, name: str
) -> None:
    damaged = edited(tmp_path / "editing", whole, *EDITS[name])
    found = survived(site, tmp_path / "site", damaged)
    assert found is not None and found.lost is not None
    why = f"format{FORMAT + 3}" if name == "a newer format" else "corrupt"
    assert f"journal.db.{why}-" in found.lost


@pytest.mark.parametrize("name", NULLS)
def test_a_null_where_none_may_be_is_set_aside(
    site: Story, whole: Files, tmp_path: Path, name: str
) -> None:
    table, column = NULLS[name]
    allow = (
        f"UPDATE sqlite_master SET sql = replace(sql, '{column} TEXT NOT NULL', '{column} TEXT')"
    )
    unlock = "PRAGMA writable_schema=ON"
    damaged = edited(tmp_path / "editing", whole, unlock, allow)
    damaged = edited(tmp_path / "again", damaged, f"UPDATE {table} SET {column} = NULL")
    found = survived(site, tmp_path / "site", damaged)
    assert found is not None and found.lost is not None


def replaced(folder: Path, whole: Files, name: str, value: Any) -> Files:
    statement = "UPDATE part SET value = :value WHERE name = :name"
    return edited(folder, whole, statement, name=name, value=json.dumps(value))


def test_a_part_replaced_by_any_kind_of_json_is_set_aside(
    site: Story, whole: Files, tmp_path: Path
) -> None:
    for name in ("site", "shadows/", "circuits/heater1", "events/now", "past/now"):
        for kind, value in JSON.items():
            where = f"{name.replace('/', '-')}-{kind}"
            damaged = replaced(tmp_path / f"{where}-editing", whole, name, value)
            found = survived(site, tmp_path / where, damaged)
            assert found is not None and found.lost is not None, where


def inner(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value within a part."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in items:
        yield (*path, key)
        if isinstance(one, dict | list):
            yield from inner(one, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def test_no_value_within_a_part_makes_a_memory_that_raises_later(
    site: Story, whole: Files, tmp_path: Path
) -> None:
    parts = parts_of(tmp_path / "parts", whole)
    for name, part in parts.items():
        for path in inner(part):
            for kind, new in JSON.items():
                changed = {**parts, name: put(part, path, new)}
                try:
                    check_parts(changed)
                    memory = started(site.ven, changed)
                except (ValueError, KeyError):  # it is set aside
                    continue
                try:
                    days(site.ven, memory)
                except Exception as error:
                    raise AssertionError(f"{name} {path} {kind}: {error!r}") from error


def test_a_missing_part_costs_no_start(site: Story, whole: Files, tmp_path: Path) -> None:
    for name in parts_of(tmp_path / "parts", whole):
        where = name.replace("/", "-")
        gone = edited(tmp_path / f"{where}-editing", whole, f"DELETE FROM part WHERE name='{name}'")
        assert survived(site, tmp_path / where, gone) is not None


def test_what_is_whole_is_kept_to_the_letter(site: Story, whole: Files, tmp_path: Path) -> None:
    found = survived(site, tmp_path / "site", whole)
    assert found is not None and found.lost is None
    assert found.parts == parts_of(tmp_path / "parts", whole)
    assert to_parts(from_parts(site.spec, found.parts)) == found.parts
