from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan

from wasmalert import Context, Finding, log, metrics, query, rule, state


@dataclass
class Config:
    expr: str
    by: list[str]
    factor: float


@rule("spread")
def evaluate(context: Context, config: Config) -> Iterator[Finding]:
    """Fires for each group of series whose values lie too far apart."""
    groups = grouped(config)
    for labels, values in groups.items():
        smallest, largest = min(values), max(values)
        if len(values) >= 2 and smallest > 0 and largest > config.factor * smallest:
            yield Finding(
                value=largest / smallest,
                labels=dict(zip(config.by, labels)),
                annotations={"series": len(values)},
            )

    before = int(state.get("groups") or b"0")
    if len(groups) < before:
        log.warn(f"{len(groups)} groups, {before} before")
    state.set("groups", b"%d" % len(groups))
    metrics.gauge("spread_groups", len(groups))


def grouped(config: Config) -> dict[tuple[str, ...], list[float]]:
    """The values of each group, by its values of the labels in `by`."""
    frame = query(config.expr)
    columns = [frame.label(name) for name in config.by]
    groups: dict[tuple[str, ...], list[float]] = {}
    for series, value in enumerate(frame.values):
        if not isnan(value):
            groups.setdefault(tuple(column[series] for column in columns), []).append(value)
    return groups
