"""Notifiers: requests, and what answers mean."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from dataclasses import dataclass

from wasmalert import Batch, Disposition, Error, Label, Request, Response, notifier, secret, state
from wasmalert.testing import FakeHost, alert, response


@dataclass
class Config:
    url: str


@notifier("x", extras={"resend": "true"})
def notify(batch: Batch, config: Config) -> Iterator[Request]:
    """Tells."""
    state.set("told", b"1")
    for one in batch.alerts:
        yield Request.json(config.url, {"name": one.label("alertname"), "é": one.annotation("none")})


class Requests(unittest.TestCase):
    def test_description(self) -> None:
        self.assertEqual((notify.description.name, notify.description.doc), ("x", "Tells."))
        self.assertEqual(notify.description.extras, [Label("resend", "true")])

    def test_json(self) -> None:
        host = FakeHost({"url": "https://x.example"})
        (request,) = host.notify(notify, [alert('{alertname="{{secret:x}}"}')])
        self.assertEqual((request.method, request.url), ("POST", "https://x.example"))
        self.assertEqual(request.headers, [Label("Content-Type", "application/json")])
        self.assertEqual(request.body, '{"name":"{\\u007bsecret:x}}","é":""}'.encode())
        self.assertEqual(host.state, {"told": b"1"})

    def test_a_url_is_checked(self) -> None:
        with self.assertRaisesRegex(Error, "bad_config: url: 'ftp://x' starts with neither"):
            FakeHost({"url": "ftp://x"}).notify(notify, [alert("{}")])
        self.assertEqual(Request(secret("url"), "é", headers={"N": 1}).body, b"\xc3\xa9")

    def test_batches(self) -> None:
        host = FakeHost({"url": "https://x.example"})
        firing, resolved = alert("{}"), alert("{}", status="resolved")
        seen: list[bool] = []

        @notifier("x")
        def ask(batch: Batch) -> list[Request]:
            seen.append(batch.is_firing)
            return []

        host.config = {}
        host.notify(ask, [resolved])
        host.notify(ask, [resolved, firing])
        self.assertEqual(seen, [False, False, True, True])


class Answers(unittest.TestCase):
    def kind(self, status: int, **headers: str) -> Disposition:
        return Disposition.of(response(status, b" no \xff", headers))

    def test_by_status(self) -> None:
        self.assertEqual(self.kind(204), Disposition.delivered())
        self.assertEqual(self.kind(404), Disposition.failed("status 404: no \ufffd"))
        for status in (408, 429, 500, 599):
            self.assertEqual(self.kind(status), Disposition.retry(f"status {status}: no \ufffd"))
        self.assertEqual(self.kind(302).kind, "failed")

    def test_retry_after(self) -> None:
        for text, ms in [("7", 7_000), (" 0 ", 0), *((none, None) for none in ("soon", "-1", "", "9" * 30, "²"))]:
            answer = response(503, headers={"RETRY-after": text})
            self.assertEqual(Disposition.of(answer).retry_after_ms, ms, text)

    def test_an_excerpt_is_short(self) -> None:
        self.assertEqual(len(response(500, b"x" * 1_000).excerpt), 200)

    def test_ways_of_its_own(self) -> None:
        @notifier("x")
        def tell(batch: Batch, config: Config) -> list[Request]:
            return []

        @tell.interpret
        def interpret(response: Response, config: Config, request: int) -> Disposition:
            if request == 1:
                raise RuntimeError("boom")
            return Disposition.retry(config.url)

        host = FakeHost({"url": "u"})
        self.assertEqual(host.interpret(tell, response(200)), Disposition.retry("u"))
        failed = host.interpret(tell, response(200), 1)
        self.assertEqual(failed.kind, "failed")
        self.assertRegex(failed.reason, r"^exception: RuntimeError: boom, at \S*test_notifier\.py:\d+ \(interpret\)")
        host.config = {}
        self.assertIn("bad_config: ", host.interpret(tell, response(200)).reason)
