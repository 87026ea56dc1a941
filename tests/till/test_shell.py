"""What the page of the till consists of: no shop's data, and a policy of its own for what computes."""

import json
import re

import pytest
from django.test import Client


def test_the_worker_may_reach_this_site_and_nothing_else():
    response = Client().get("/till/worker.js")
    policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))

    assert policy == {
        "default-src": "'none'",
        "script-src": "'self' 'wasm-unsafe-eval'",
        "connect-src": "'self'",
    }


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_webassembly_is_sent_packed_to_whom_takes_it(encoding):
    shell = json.loads(re.search("SHELL = (.*);", Client().get("/till/sw.js").text).group(1))
    for address in [one for one in shell if one.endswith(".wasm")]:
        response = Client().get(address, headers={"Accept-Encoding": encoding})
        assert response["Content-Type"] == "application/wasm"
        assert response.get("Content-Encoding", "") == ("br" if encoding == "br" else "")
        assert response.content.startswith(b"\0asm") == (encoding != "br")
