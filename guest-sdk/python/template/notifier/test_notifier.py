import unittest

from notifier import notify
from wasmalert.testing import FakeHost, alert


class Test(unittest.TestCase):
    def test_a_line_for_each_alert(self) -> None:
        host = FakeHost({"url": "https://chat.example/hook"})
        down = alert('{alertname="Down"}', summary="a is down")
        up = alert('{alertname="Down"}', status="resolved", summary="b is up")
        (request,) = host.notify(notify, [down, up])
        self.assertEqual(request.body, b'{"text":"FIRING Down: a is down\\nRESOLVED Down: b is up"}')
