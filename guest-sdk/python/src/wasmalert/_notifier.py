"""What a notifier is: what it is told and what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ._component import Description, config_of, described, parameters
from ._config import Shape
from ._error import Error, error_of
from ._label import Label, listed

#: The most characters of an answer's body that a reason quotes.
_REASON_CHARS_MAX = 200

#: What marks a secret, and the same JSON text in a form that the host does not take for one.
_SECRET = "{{secret:"
_SECRET_ESCAPED = "{\\u007bsecret:"


def without_secrets(text: str) -> str:
    """The text with a space in each `{{secret:`, so that the host does not take it for one:
    labels and annotations come from what is monitored, and must not be able to ask for a
    secret. For the whole of a body or a header's value, not for its parts; `Request.json`
    does it by itself."""
    return text.replace(_SECRET, "{ {secret:")


def secret(name: str) -> str:
    """The place of a tenant's secret in a URL, a header's value or a body: the host puts
    the secret in on the way out."""
    return f"{_SECRET}{name}}}}}"


@dataclass(slots=True)
class Alert:
    """An alert to tell of."""

    #: `firing` or `resolved`.
    status: str
    #: All labels, `alertname` included.
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    #: The value of the last finding.
    value: float
    #: Since when it fires, ms since the epoch.
    starts_at_ms: int
    #: When it resolved; while it fires, until when the receiver may believe it without
    #: hearing again. ms since the epoch.
    ends_at_ms: int
    #: Link to the rule; empty where the operator gave no external URL.
    generator_url: str
    #: 16 hexadecimal digits, the same for the same labels.
    fingerprint: str
    #: Named facts.
    extras: Mapping[str, str]

    @property
    def is_firing(self) -> bool:
        """Whether the alert fires; if not, it has resolved."""
        return self.status == "firing"

    def label(self, name: str) -> str:
        """The value of a label; the empty text stands for an absent one."""
        return self.labels.get(name, "")

    def annotation(self, name: str) -> str:
        """The text of an annotation; empty where there is none."""
        return self.annotations.get(name, "")


@dataclass(slots=True)
class Batch:
    """The alerts of one rule for one receiver."""

    tenant: str
    receiver: str
    namespace: str
    group: str
    rule: str
    #: The receiver's configuration as a JSON text.
    config: str
    #: The time of delivery in ms since the epoch.
    now_ms: int
    #: The same for every attempt at this batch.
    idempotency_key: str
    #: Where people find this host; may be empty.
    external_url: str
    #: 1 to 256 alerts.
    alerts: list[Alert]
    #: Named facts.
    extras: Mapping[str, str]

    @property
    def is_firing(self) -> bool:
        """Whether any alert fires."""
        return any(alert.is_firing for alert in self.alerts)


class Request:
    """A request the host is to send."""

    __slots__ = ("body", "extras", "headers", "method", "url")

    def __init__(
        self,
        url: str,
        body: str | bytes = b"",
        *,
        method: str = "POST",
        headers: Mapping[str, object] | None = None,
    ) -> None:
        """Raises `Error` of the code `bad_config` when the URL is none."""
        if not url.startswith(("http://", "https://", _SECRET)):
            problem = f"url: {url!r} starts with neither http://, https:// nor {secret('NAME')}"
            raise Error("bad_config", problem)
        self.method = method
        self.url = url
        self.headers = listed(headers or {})
        self.body = body.encode() if isinstance(body, str) else body
        self.extras: list[Label] = []

    @classmethod
    def json(cls, url: str, body: Any, *, method: str = "POST", headers: Mapping[str, object] | None = None) -> Request:
        """Makes a request of a JSON body.

        A `{{secret:NAME}}` in the body stays text: labels and annotations come from what
        is monitored, and must not be able to ask for a secret. A receiver that wants one
        in the body gets a `Request` made by hand.
        """
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        headers = {"Content-Type": "application/json", **(headers or {})}
        return cls(url, text.replace(_SECRET, _SECRET_ESCAPED), method=method, headers=headers)


@dataclass(slots=True)
class Response:
    """The answer to a request."""

    status: int
    headers: list[Label]
    #: The first bytes of the body, at most 64 KiB.
    body: bytes
    #: Named facts.
    extras: Mapping[str, str]

    def header(self, name: str) -> str | None:
        """The value of a header; none when it is absent. Letter case does not matter."""
        same = (header.value for header in self.headers if header.name.lower() == name.lower())
        return next(same, None)

    @property
    def retry_after_ms(self) -> int | None:
        """`Retry-After` where it is a number of seconds. A date says nothing without a clock."""
        seconds = (self.header("retry-after") or "").strip()
        return int(seconds) * 1_000 if seconds.isascii() and seconds.isdigit() and len(seconds) < 16 else None

    @property
    def excerpt(self) -> str:
        """The start of the body as text, for people."""
        return self.body.decode(errors="replace").strip()[:_REASON_CHARS_MAX]


@dataclass(slots=True)
class Disposition:
    """What an answer means."""

    #: `delivered`, `retry` or `failed`.
    kind: str
    #: Wait at least so long before the next attempt.
    retry_after_ms: int | None = None
    #: Why, for people; empty when delivered.
    reason: str = ""
    #: Named facts.
    extras: list[Label] = field(default_factory=list)

    @classmethod
    def delivered(cls) -> Disposition:
        """The receiver has it."""
        return cls("delivered")

    @classmethod
    def retry(cls, reason: str, after_ms: int | None = None) -> Disposition:
        """The receiver could not take it now; wait at least so long, where known."""
        return cls("retry", after_ms, reason)

    @classmethod
    def failed(cls, reason: str) -> Disposition:
        """Trying again would not help."""
        return cls("failed", None, reason)

    @classmethod
    def of(cls, response: Response) -> Disposition:
        """What a status means as a rule: 2xx delivered; 408, 429 and 5xx retry, with
        `Retry-After`; all others failed."""
        status = response.status
        if 200 <= status <= 299:
            return cls.delivered()
        reason = f"status {status}: {response.excerpt}"
        if status in (408, 429) or 500 <= status <= 599:
            return cls.retry(reason, response.retry_after_ms)
        return cls.failed(reason)


#: What an author's functions look like; the configuration may be left out.
Notify = Callable[[Batch], Iterable[Request]] | Callable[[Batch, Any], Iterable[Request]]
Interpret = (
    Callable[[Response], Disposition]
    | Callable[[Response, Any], Disposition]
    | Callable[[Response, Any, int], Disposition]
)


class Notifier:
    """Turns alerts into HTTP requests, which the host sends; made by `notifier`."""

    def __init__(
        self, function: Callable[..., Iterable[Request]], description: Description, config: Shape
    ) -> None:
        #: What the notifier says of itself.
        self.description = description
        self._notify = function
        self._interpret: Callable[..., Disposition] = Disposition.of
        self._config = config

    def interpret(self, function: Interpret) -> Interpret:
        """Sets the function that says what an answer means, which is `Disposition.of` unless
        the receiver has its own ways: `@notify.interpret` above
        `interpret(response, config, request)`, `request` being the index of the request.
        Later parameters may be left out. An exception counts as `Disposition.failed`."""
        self._interpret = function
        return function

    def requests(self, batch: Batch) -> list[Request]:
        """Turns alerts into requests. Raises what the author's function raises, and
        `Error` of the code `bad_config`."""
        given = (batch, self._config.parse(batch.config))
        requests = list(self._notify(*given[: parameters(self._notify)]))
        for one in requests:
            if not isinstance(one, Request):
                raise TypeError(f"a notifier answers Request, not {type(one).__name__}")
        return requests

    def disposition(self, config: str, request: int, response: Response) -> Disposition:
        """Says what the answer to the request of that index means; a failure is final."""
        try:
            given = (response, self._config.parse(config), request)
            disposition = self._interpret(*given[: parameters(self._interpret)])
            if not isinstance(disposition, Disposition):
                raise TypeError(f"interpret answers Disposition, not {type(disposition).__name__}")
            return disposition
        except Exception as failure:
            return Disposition.failed(str(error_of(failure)))


def notifier(
    name: str,
    doc: str | None = None,
    *,
    schema: Mapping[str, Any] | None = None,
    extras: Mapping[str, object] | None = None,
) -> Callable[[Notify], Notifier]:
    """Makes a notifier of a function `notify(batch)` or `notify(batch, config)` that yields
    each `Request`; they are sent one after the other. The parameters are those of `rule`.

    A notifier has no clock and no network; like a rule it is a pure function of its
    inputs, and may use `state` and `log` alone.
    """

    def made(function: Callable[..., Iterable[Request]]) -> Notifier:
        config = config_of(function)
        return Notifier(function, described(function, config, name, doc, schema, (), extras), config)

    return made
