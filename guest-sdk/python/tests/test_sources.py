"""The templates and examples: their own tests hold."""

from __future__ import annotations

import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).parent.parent


class Sources(unittest.TestCase):
    def test_their_tests_hold(self) -> None:
        for folder in ("template/rule", "template/notifier", "examples/spread", "examples/ntfy"):
            with self.subTest(folder):
                command = [sys.executable, "-m", "unittest"]
                environment = {"PYTHONPATH": str(HERE / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
                done = subprocess.run(command, cwd=HERE / folder, env=environment, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotIn("Ran 0 tests", done.stderr)
