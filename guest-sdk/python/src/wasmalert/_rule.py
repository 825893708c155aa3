"""What a rule is: what it is told and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ._component import Description, config_of, described, parameters
from ._config import Shape
from ._label import Label, listed
from ._query import Series


@dataclass(slots=True)
class Trigger:
    """Why an evaluation happens."""

    #: `interval` or `timer`.
    kind: str
    #: The timer's name; empty for `interval`.
    timer: str
    #: The timer's due time in ms since the epoch; the slot for `interval`.
    due_ms: int
    #: The timer's payload; empty for `interval`.
    payload: bytes


@dataclass(slots=True)
class Context:
    """Everything an evaluation knows before it asks."""

    tenant: str
    namespace: str
    group: str
    rule: str
    #: The slot's time in ms since the epoch: the only "now" there is.
    now_ms: int
    #: The group's interval in ms, at least 1.
    interval_ms: int
    trigger: Trigger
    #: The rule's configuration as a JSON text.
    config: str
    #: The labels that the host will put on every alert of this rule.
    labels: Mapping[str, str]
    #: Named facts.
    extras: Mapping[str, str]

    @property
    def timer(self) -> str | None:
        """The name of the timer that causes this evaluation; none at a slot."""
        return self.trigger.timer if self.trigger.kind == "timer" else None


class Finding:
    """Something that is wrong right now. Its labels, with the rule's labels on top, are
    the identity of the alert and may occur once."""

    __slots__ = ("annotations", "extras", "labels", "series", "value")

    def __init__(
        self,
        series: Series | None = None,
        value: float | None = None,
        *,
        labels: Mapping[str, object] | None = None,
        annotations: Mapping[str, object] | None = None,
        extras: Mapping[str, object] | None = None,
    ) -> None:
        #: The series that it is about, whose labels it has, without `__name__`.
        self.series = series
        #: Further labels, which win over the series' labels; an empty value deletes the label.
        self.labels = listed(labels) if labels else []
        #: The value to show with the alert; that of the series unless set.
        self.value = float(value) if value is not None else series.value if series is not None else 0.0
        #: Annotations, which win over the rule's own.
        self.annotations = listed(annotations) if annotations else []
        #: Named facts.
        self.extras = listed(extras) if extras else []


class Sample:
    """A sample to record under a metric's name."""

    __slots__ = ("labels", "series", "value")

    def __init__(
        self,
        name: str,
        series: Series | None = None,
        value: float | None = None,
        *,
        labels: Mapping[str, object] | None = None,
    ) -> None:
        #: The series whose labels it has.
        self.series = series
        #: Further labels, `__name__` among them, which win over the series' labels.
        self.labels = [Label("__name__", name), *listed(labels or {})]
        #: The value to record; that of the series unless set.
        self.value = float(value) if value is not None else series.value if series is not None else 0.0


@dataclass(slots=True)
class Outcome:
    """What a successful evaluation answers."""

    findings: list[Finding] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    extras: list[Label] = field(default_factory=list)


#: What an author's function answers; `None` for nothing found.
Found = Iterable[Finding | Sample] | None


class Rule:
    """Alert logic; made by `rule`."""

    def __init__(self, function: Callable[..., Found], description: Description, config: Shape) -> None:
        #: What the rule says of itself.
        self.description = description
        self._function = function
        self._parameters = parameters(function)
        self._config = config

    def evaluate(self, context: Context) -> Outcome:
        """Evaluates the rule once. Raises what the author's function raises, and
        `Error` of the code `bad_config`."""
        given = (context, self._config.parse(context.config))
        outcome = Outcome()
        for one in self._function(*given[: self._parameters]) or ():
            if isinstance(one, Finding):
                outcome.findings.append(one)
            elif isinstance(one, Sample):
                outcome.samples.append(one)
            else:
                raise TypeError(f"a rule answers Finding and Sample, not {type(one).__name__}")
        return outcome


def rule(
    name: str,
    doc: str | None = None,
    *,
    schema: Mapping[str, Any] | None = None,
    queries: Iterable[str] = (),
    extras: Mapping[str, object] | None = None,
) -> Callable[[Callable[[Context], Found] | Callable[[Context, Any], Found]], Rule]:
    """Makes a rule of a function `evaluate(context)` or `evaluate(context, config)` that
    yields a `Finding` for all that is wrong, and a `Sample` for all that is to be recorded.

    The configuration's type is a dataclass; its JSON Schema follows from it unless
    `schema` is given. `doc`, a sentence or a page of Markdown, is the function's own
    unless given. `queries` are instant queries on the default source that the host
    fetches ahead at every slot.

    A rule is a pure function of its inputs. The host may run it several times for one
    slot, each time in a fresh instance, and only a run that succeeds takes effect.
    """

    def made(function: Callable[..., Found]) -> Rule:
        config = config_of(function)
        return Rule(function, described(function, config, name, doc, schema, queries, extras), config)

    return made
