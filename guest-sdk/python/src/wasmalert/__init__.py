"""Alert rules and notifiers for wasmalert, in Python.

A *rule* says what is wrong right now; the host owns pending, firing and resolved. A
*notifier* turns alerts into HTTP requests, which the host sends. Both are pure: all
they know comes through their parameters and the functions of this package, and
nothing they do counts unless the run succeeds.
"""

from . import log, metrics, state, timers
from ._component import Description
from ._error import Error, QueryError
from ._label import Label
from ._notifier import Alert, Batch, Disposition, Notifier, Request, Response, notifier, secret, without_secrets
from ._query import Frame, LabelColumn, Query, RangeQuery, Samples, Series, prefetch, query, query_all
from ._rule import Context, Finding, Outcome, Rule, Sample, Trigger, rule
from ._time import Duration, rfc3339

__all__ = [
    "Alert",
    "Batch",
    "Context",
    "Description",
    "Disposition",
    "Duration",
    "Error",
    "Finding",
    "Frame",
    "Label",
    "LabelColumn",
    "Notifier",
    "Outcome",
    "Query",
    "QueryError",
    "RangeQuery",
    "Request",
    "Response",
    "Rule",
    "Sample",
    "Samples",
    "Series",
    "Trigger",
    "log",
    "metrics",
    "notifier",
    "prefetch",
    "query",
    "query_all",
    "rfc3339",
    "rule",
    "secret",
    "without_secrets",
    "state",
    "timers",
]
