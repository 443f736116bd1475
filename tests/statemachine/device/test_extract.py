"""What an answer means: a number, a word, or no reading; never an error."""

from __future__ import annotations

import json
import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.device.extract import MAX_BYTES, meets, reading
from statemachine.device.form import Order, Value, Want
from statemachine.device.registers import encoded
from tests.kit.depth import examples

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)
POINTERS = st.lists(
    st.sampled_from(["", "/a", "/a/b", "/0", "/a/0", "/~0~1", "//"]), min_size=1, max_size=3
)
NUMBERS = ["int16", "uint16", "int32", "uint32", "float32", "int64", "uint64", "float64"]


@st.composite
def values(draw: st.DrawFn) -> Value:
    said: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"topic": "t"},
                {"get": "/x"},
                {"table": "input", "register": 1},
                {"table": "coil", "register": 0},
            ]
        )
    )
    if "table" not in said and draw(st.booleans()):
        said = {**said, "at": draw(POINTERS)}
    if "table" in said:
        said = {
            **said,
            "as": draw(st.sampled_from(NUMBERS)),
            "word_order": draw(st.sampled_from(["big", "little"])),
        }
        said |= {"ten_to": draw(st.integers(1, 4))} if draw(st.booleans()) else {}
    said |= draw(
        st.sampled_from(
            [
                {},
                {"unit": "W"},
                {"unit": "kWh", "scale": "-0.1"},
                {"words": {"true": "on", "0": "off", "x": "on"}},
            ]
        )
    )
    said |= draw(st.sampled_from([{}, {"nothing": "32768"}, {"nothing": "unavailable"}]))
    return Value.model_validate(said)


ANSWERS = st.one_of(
    st.text(),
    TREES.map(lambda tree: json.dumps(tree)),
    TREES.map(lambda tree: json.dumps({"a": tree, "0": {"b": tree}})),
    st.lists(st.integers(-5, 70_000), max_size=6).map(tuple),
    st.sampled_from(
        [
            "1e400",
            "1e999999999",
            "9" * 5_000,
            "[" * 60_000,
            "\ud800",
            '{"a":"\\ud800"}',
            "NaN",
            "-Infinity",
            "-0",
        ]
    ),
)


@settings(max_examples=examples(400))
@given(values(), ANSWERS)
def test_whatever_is_answered_is_a_reading_or_none(
    value: Value, answer: str | tuple[int, ...]
) -> None:
    said = reading(value, {}, answer)
    assert said is None or isinstance(said, Decimal | str)
    if isinstance(said, Decimal):
        assert said.is_finite() and abs(said) < Decimal("1e60")
    if value.words is not None:
        assert said in (None, "on", "off")


@pytest.mark.parametrize("depth", range(1, 30))
def test_what_is_nested_deeper_than_20_is_no_reading(depth: int) -> None:
    answer = json.dumps({"a": 7})[:-1] + ', "b": ' + "[" * depth + "]" * depth + "}"
    said = reading(Value(get="/x", at=("/a",), unit="W"), {}, answer)
    assert said == (7 if depth <= 20 else None)


@given(
    st.decimals(min_value=-(10**6), max_value=10**6, places=3), st.sampled_from(["W", "kW", "mW"])
)
def test_a_number_is_told_in_watts(number: Decimal, unit: str) -> None:
    said = reading(Value(topic="t", unit=unit), {}, f"{number:f}")
    assert said == number * {"W": 1, "kW": 1000, "mW": Decimal("0.001")}[unit]


@given(st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=4))
def test_phases_are_added(phases: list[int]) -> None:
    value = Value(get="/x", at=tuple(f"/p/{i}" for i in range(len(phases))), unit="W")
    assert reading(value, {}, json.dumps({"p": phases})) == sum(phases)
    if len(phases) > 1:
        assert reading(value, {}, json.dumps({"p": phases[1:]})) is None, "a phase is missing"


@given(st.sampled_from(NUMBERS), st.integers(-(2**70), 2**70), st.sampled_from(["big", "little"]))
def test_what_is_written_reads_the_same(number: str, amount: int, order: str) -> None:
    way = {"table": "holding", "register": 1, "as": number, "word_order": order}
    try:
        words = encoded(Order.model_validate({**way, "write": "1"}), amount)
    except ValueError:
        return
    said = reading(Value.model_validate(way), {}, words)
    assert isinstance(said, Decimal)
    near = Decimal(amount) / 10**6 if number == "float32" else Decimal(amount) / 10**12
    assert abs(said - amount) <= abs(near) * (number in ("float32", "float64"))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('{"apower": 12.5}', Decimal("12.5")),
        ('{"apower": "12.5"}', Decimal("12.5")),
        ('{"apower": 1e3}', Decimal(1000)),
        ('\ufeff{"apower": 1}', Decimal(1)),
        ('{"apower": NaN}', None),
        ('{"apower": true}', None),
        ('{"apower": null}', None),
        ('{"apower": 1e400}', None),
        ('{"apower": [1]}', None),
        ('{"apower": {"x": 1}}', None),
        ('{"apower": "12 W"}', None),
        ('{"apower": "1_000"}', None),
        ('{"apower": ""}', None),
        ("{}", None),
        ("[1]", None),
        ("no JSON", None),
        ("", None),
        ('{"apower": 1}' + " " * MAX_BYTES, None),
    ],
)
def test_what_is_no_number_is_no_reading(answer: str, said: Decimal | None) -> None:
    assert reading(Value(get="/x", at=("/apower",), unit="W"), {}, answer) == said


def test_an_unknown_word_is_not_off() -> None:
    value = Value(get="/x", at=("/output",), words={"true": "on", "false": "off"})
    said = [
        reading(value, {}, f'{{"output": {word}}}')
        for word in ("true", "false", "null", '"off"', "0")
    ]
    assert said == ["on", "off", None, None, None]


def test_a_word_may_be_a_number_of_a_register() -> None:
    value = Value.model_validate(
        {"table": "holding", "register": 5, "words": {"0": "off", "4": "on"}}
    )
    assert [reading(value, {}, (word,)) for word in (0, 4, 5)] == ["off", "on", None]


def test_a_coil_is_on_or_off_without_words() -> None:
    value = Value.model_validate({"table": "coil", "register": 5})
    assert [reading(value, {}, (word,)) for word in (0, 1, 2)] == ["off", "on", None]


@pytest.mark.parametrize("answer", ['{"a": 32768}', '{"a": "32768"}', '{"a": 32768.0}'])
def test_nothing_is_no_reading_however_it_is_written(answer: str) -> None:
    assert reading(Value(get="/x", at=("/a",), unit="W", nothing="32768"), {}, answer) is None
    word = Value(get="/x", at=("/a",), unit="W", nothing="unavailable")
    assert reading(word, {}, '{"a": "unavailable"}') is None


def test_the_power_of_ten_of_sunspec_is_read_with_the_number() -> None:
    value = Value.model_validate(
        {"table": "holding", "register": "{start}+18", "as": "int16", "ten_to": 4, "unit": "W"}
    )
    word = struct.unpack(">2H", struct.pack(">hh", -4321, -1))
    assert reading(value, {}, (word[0], 0, 0, 0, word[1])) == Decimal("-432.1")
    assert reading(value, {}, (word[0], 0, 0, 0, 0x8000)) is None, "there is no scale factor"
    assert reading(value, {}, (word[0], 0, 0, 0)) is None


def test_a_parameter_is_one_step_of_a_pointer_whatever_it_says() -> None:
    value = Value(get="/x", at=("/meters/{channel}/power",), unit="W")
    meters = {"0": {"power": 5}, "a/b": {"power": 6}, "~1": {"power": 8}, "~01": {"power": 9}}
    answer = json.dumps({"meters": meters, "x": 7})
    channels = ("0", "a/b", "~1", "~01", "../x", "")
    said = [reading(value, {"channel": channel}, answer) for channel in channels]
    assert said == [5, 6, 8, 9, None, None]


def test_the_sign_of_a_meter_may_be_a_parameter() -> None:
    value = Value(topic="t", unit="W", scale="{sign}")
    assert [reading(value, {"sign": sign}, "5") for sign in ("-1", "1", "x", "0")] == [
        -5,
        5,
        None,
        None,
    ]


def test_a_text_has_neither_unit_nor_words() -> None:
    value = Value(get="/x", at=("/model",))
    answers = ['{"model": "SNSW-001P16EU"}', '{"model": 5}', '{"model": null}', '{"model": ["x"]}']
    assert [reading(value, {}, answer) for answer in answers] == ["SNSW-001P16EU", "5", None, None]


def want(**said: Any) -> Want:
    return Want.model_validate({"get": "/x", "why": "so", **said})


def test_a_setting_is_as_wanted_if_it_is_one_of_the_texts_or_in_the_range() -> None:
    of_texts = want(one_of=["on", "restore_last"])
    assert [meets(of_texts, {}, said, {}) for said in ("on", "off", None)] == [True, False, None]
    in_range = want(least=10, most=60)
    said = [meets(in_range, {}, number, {}) for number in (Decimal(9), Decimal(10), "60", "x")]
    assert said == [False, True, True, False]
    assert meets(want(one_of=["4"]), {}, Decimal("4.0"), {}) is True
    assert meets(want(one_of=["0"], least=10), {}, Decimal(0), {}) is True


def test_a_setting_is_compared_with_what_the_circuit_may_draw() -> None:
    full = want(least="{full_amps}")
    assert meets(full, {}, Decimal(16), {"full_amps": Decimal("15.9")}) is True
    assert meets(full, {}, Decimal(6), {"full_amps": Decimal("15.9")}) is False
    assert meets(full, {}, Decimal(6), {}) is None


def test_the_number_that_means_nothing_is_that_of_the_register() -> None:
    said = {"table": "holding", "register": 1, "as": "int16", "ten_to": 1, "unit": "W"}
    value = Value.model_validate({**said, "nothing": "-32768"})
    assert reading(value, {}, (0x8000, 0xFFFF)) is None
    assert reading(value, {}, (0x8001, 0xFFFF)) == Decimal("-3276.7")


def test_what_has_no_bounds_is_met_by_anything_that_is_read() -> None:
    assert [meets(want(), {}, said, {}) for said in ("x", Decimal(0), None)] == [True, True, None]
