"""Configurations: what is taken, what is refused, and the schema of it."""

from __future__ import annotations

import unittest
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wasmalert import Context, Duration, Error, Finding, rule
from wasmalert._config import shape_of


@dataclass
class Target:
    host: str
    port: int = 9090


@dataclass
class Config:
    above: float
    window: Duration = Duration("5m")
    by: list[str] = field(default_factory=list)
    mode: Literal["max", "min"] = "max"
    target: Target | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    share: float = field(default=0.5, metadata={"minimum": 0})

    def __post_init__(self) -> None:
        if self.share > 1:
            raise ValueError("share is above 1")


class Taken(unittest.TestCase):
    def read(self, text: str) -> Any:
        return shape_of(Config).parse(text)

    def test_what_is_left_out_has_its_default(self) -> None:
        self.assertEqual(self.read('{"above": 1}'), Config(1.0))
        self.assertIs(type(self.read('{"above": 1}').above), float)

    def test_every_kind_of_field(self) -> None:
        config = self.read(
            '{"above": 0.5, "window": "1h30m", "by": ["a"], "mode": "min",'
            ' "target": {"host": "x", "port": 1.0}, "weights": {"a": 2}, "share": 1}'
        )
        target = Target("x", 1)
        self.assertEqual(config, Config(0.5, Duration(5_400_000), ["a"], "min", target, {"a": 2.0}, 1))

    def test_what_does_not_fit_is_told(self) -> None:
        for text, problem in [
            ("{}", "above: missing"),
            ("[]", "an object is wanted, not []"),
            ('{"above": "x"}', 'above: a number is wanted, not "x"'),
            ('{"above": true}', "above: a number is wanted, not true"),
            ('{"above": 1, "by": ["a", 1]}', "by[1]: a text is wanted, not 1"),
            ('{"above": 1, "mode": "avg"}', 'mode: one of "max", "min" is wanted, not "avg"'),
            ('{"above": 1, "window": "5 m"}', "window: a duration such as 30s, 5m or 1h30m is wanted, not '5 m'"),
            ('{"above": 1, "target": {"host": "x", "port": 1.5}}', "target.port: an integer is wanted, not 1.5"),
            ('{"above": 1, "target": {"host": "x", "prot": 1}}', "target.prot: not known; there is host, port"),
            ('{"above": 1, "weights": {"a": null}}', "weights.a: a number is wanted, not null"),
            ('{"above": 1, "share": 2}', "share is above 1"),
            ("{", "Expecting property name"),
        ]:
            with self.subTest(text), self.assertRaises(Error) as caught:
                self.read(text)
            self.assertEqual(caught.exception.code, "bad_config")
            self.assertIn(f"the configuration does not fit: {problem}", caught.exception.message)


class Schema(unittest.TestCase):
    def test_it_follows_from_the_type(self) -> None:
        self.assertEqual(
            shape_of(Config).schema,
            {
                "type": "object",
                "required": ["above"],
                "additionalProperties": False,
                "properties": {
                    "above": {"type": "number"},
                    "window": {"type": "string"},
                    "by": {"type": "array", "items": {"type": "string"}},
                    "mode": {"enum": ["max", "min"]},
                    "target": {
                        "anyOf": [
                            {
                                "type": "object",
                                "required": ["host"],
                                "additionalProperties": False,
                                "properties": {"host": {"type": "string"}, "port": {"type": "integer"}},
                            },
                            {"type": "null"},
                        ]
                    },
                    "weights": {"type": "object", "additionalProperties": {"type": "number"}},
                    "share": {"type": "number", "minimum": 0},
                },
            },
        )

    def test_any_object(self) -> None:
        self.assertEqual(shape_of(dict[str, Any]).schema, {"type": "object"})

    def test_a_type_without_json_is_refused(self) -> None:
        with self.assertRaisesRegex(TypeError, "cannot have the type <class 'bytes'>"):
            shape_of(bytes)

    def test_a_configuration_needs_a_type(self) -> None:
        with self.assertRaisesRegex(TypeError, "the parameter config needs a type"):

            @rule("x")
            def evaluate(context: Context, config) -> list[Finding]:  # type: ignore[no-untyped-def]
                return []

    def test_no_configuration(self) -> None:
        @rule("x")
        def evaluate(context: Context) -> None:
            """Does nothing."""

        nothing = '{"type":"object","additionalProperties":false,"properties":{}}'
        self.assertEqual(evaluate.description.config_schema, nothing)
        self.assertEqual(evaluate.description.doc, "Does nothing.")
