from collections.abc import Iterator
from dataclasses import dataclass

from wasmalert import Context, Finding, query, rule


@dataclass
class Config:
    above: float


@rule("{{name}}")
def evaluate(context: Context, config: Config) -> Iterator[Finding]:
    """Fires for each host whose CPU is too busy."""
    for host in query("avg by (host) (rate(cpu_seconds_total[5m]))"):
        if host.value > config.above:
            yield Finding(host, annotations={"summary": f"{host.label('host')} is busy"})
