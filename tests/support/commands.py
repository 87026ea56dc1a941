"""What the tests of management commands share."""

import json


def only_json(out: str) -> dict:
    """The one JSON object that standard output is made of."""
    assert out.count("\n") == 1
    report = json.loads(out)
    assert isinstance(report, dict)
    return report
