import re
from collections.abc import Iterator
from dataclasses import dataclass

from wasmalert import Alert, Batch, Request, notifier, secret, without_secrets

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass
class Config:
    url: str
    topic: str


@notifier("ntfy")
def notify(batch: Batch, config: Config) -> Iterator[Request]:
    """Tells a topic of ntfy, in one message for each alert."""
    for alert in batch.alerts:
        name = alert.label("alertname")
        yield Request(
            f"{config.url.rstrip('/')}/{config.topic}",
            without_secrets(alert.annotation("summary") or name),
            headers={
                "Title": one_line(f"[{alert.status.upper()}] {name}"),
                "Priority": priority(alert),
                "Tags": "rotating_light" if alert.is_firing else "white_check_mark",
                "Authorization": f"Bearer {secret('ntfy')}",
            },
        )


def one_line(text: str) -> str:
    """A header is one line."""
    return CONTROL.sub(" ", without_secrets(text))


def priority(alert: Alert) -> str:
    if not alert.is_firing:
        return "low"
    return "urgent" if alert.label("severity") in ("page", "critical") else "default"
