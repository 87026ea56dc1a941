"""Only allowed hosts are contacted, whatever an address looks like."""

import pytest

from ml_training.trainer.hosts import AllowedHosts, HostRefused

HOSTS = AllowedHosts(["shop.example", "lan.example:8000", "[::1]:8000", "127.0.0.1:9000", "bücher.example"])


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example/v1/runs/1/status",
        "http://shop.example",
        "https://SHOP.example:443/",
        "http://lan.example:8000/x",
        "http://[::1]:8000/",
        "http://127.0.0.1:9000/",
        "https://xn--bcher-kva.example/",
    ],
)
def test_allowed(address):
    HOSTS.check(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://evil.example/",
        "http://shop.example.evil.example/",
        "http://shop.example:8000/",
        "http://lan.example/",
        "http://shop.example@evil.example/",
        "http://user:pass@shop.example/",
        "http://evil.example\\@shop.example/",
        "http://evil.example#@shop.example/",
        "http://shop.example%2f@evil.example/",
        "http://shop.example%00.evil.example/",
        "http://127.0.0.1/",
        "http://127.0.0.1:9001/",
        "http://127.1:9000/",
        "http://2130706433:9000/",
        "http://0x7f000001:9000/",
        "http://[::ffff:127.0.0.1]:9000/",
        "http://localhost:9000/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "gopher://shop.example/",
        "javascript:alert(1)",
        "//shop.example/",
        "shop.example",
        "http://",
        "http:///path",
        "http://shop.example:99999/",
        "http://shop.example:x/",
        "http://shop.example\r\nHost: evil/",
        " http://shop.example/",
        "",
        None,
        7,
        ["http://shop.example"],
    ],
)
def test_refused(address):
    with pytest.raises(HostRefused):
        HOSTS.check(address)


@pytest.mark.parametrize(
    "entry", ["", "*", "*.example", "http://shop.example", "a@b", "host/path", "host:99999"]
)
def test_entry_that_is_no_host_is_refused(entry):
    with pytest.raises(ValueError, match="ML_TRAINER_ALLOWED_HOSTS"):
        AllowedHosts([entry])


def test_no_entry_allows_nothing():
    with pytest.raises(HostRefused):
        AllowedHosts([]).check("http://localhost/")
