"""The world `notifier`."""

from __future__ import annotations

from typing import Any

import notifier as author

from .._component import Description
from .._label import Label, mapping
from .._notifier import Alert, Batch, Disposition, Notifier, Request, Response
from ._world import answer, built, component

_NOTIFIER = component(author, Notifier)


def _alert(given: Any) -> Alert:
    return Alert(
        given.status,
        mapping(given.labels),
        mapping(given.annotations),
        given.value,
        given.starts_at_ms,
        given.ends_at_ms,
        given.generator_url,
        given.fingerprint,
        mapping(given.extras),
    )


def _notify(given: Any) -> list[Request]:
    return _NOTIFIER.requests(
        Batch(
            given.tenant,
            given.receiver,
            given.namespace,
            given.group,
            given.rule,
            given.config,
            given.now_ms,
            given.idempotency_key,
            given.external_url,
            [_alert(alert) for alert in given.alerts],
            mapping(given.extras),
        )
    )


def _interpret(config: str, request: int, given: Any) -> Disposition:
    headers = [Label(header.name, header.value) for header in given.headers]
    response = Response(given.status, headers, given.body, mapping(given.extras))
    return _NOTIFIER.disposition(config, request, response)


class Notifications:
    """What the component exports."""

    def describe(self) -> Description:
        return _NOTIFIER.description

    def notify(self, given: Any) -> list[Request]:
        return answer(_notify, given)

    def interpret(self, config: str, request: int, given: Any) -> Disposition:
        return answer(_interpret, config, request, given)


built()
