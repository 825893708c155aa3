from collections.abc import Iterator
from dataclasses import dataclass

from wasmalert import Alert, Batch, Request, notifier


@dataclass
class Config:
    url: str


@notifier("{{name}}")
def notify(batch: Batch, config: Config) -> Iterator[Request]:
    """Posts the alerts as JSON: {"text": "…"}, one line for each."""
    yield Request.json(config.url, {"text": "\n".join(map(line, batch.alerts))})


def line(alert: Alert) -> str:
    return f"{alert.status.upper()} {alert.label('alertname')}: {alert.annotation('summary')}"
