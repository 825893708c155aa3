import unittest

from notifier import notify
from wasmalert import Label
from wasmalert.testing import FakeHost, alert


class Test(unittest.TestCase):
    def test_a_message_for_each_alert(self) -> None:
        host = FakeHost({"url": "https://ntfy.example", "topic": "ops"})
        down = alert('{alertname="Do\\nwn",severity="page"}', summary="a is down")
        requests = host.notify(notify, [down, alert('{alertname="Up"}', status="resolved")])
        self.assertEqual([request.url for request in requests], ["https://ntfy.example/ops"] * 2)
        self.assertEqual([request.body for request in requests], [b"a is down", b"Up"])
        self.assertIn(Label("Title", "[FIRING] Do wn"), requests[0].headers)
        self.assertIn(Label("Priority", "urgent"), requests[0].headers)
        self.assertIn(Label("Priority", "low"), requests[1].headers)
        self.assertIn(Label("Authorization", "Bearer {{secret:ntfy}}"), requests[1].headers)
