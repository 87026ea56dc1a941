import http.client
import ssl
import stat
import threading
from http.server import ThreadingHTTPServer

import pytest

from config.demo_https import address_in_network, handler_of, make_identity


@pytest.fixture
def identity(tmp_path):
    return make_identity(tmp_path / "https", "127.0.0.1")


@pytest.fixture
def serve():
    servers = []

    def serve(handler, identity=None) -> int:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if identity:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(identity.certificate, identity.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def status(port, authority) -> int:
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    connection.request("GET", "/")
    return connection.getresponse().status


def test_a_browser_that_trusts_the_authority_trusts_the_site(identity, serve):
    port = serve(handler_of(identity.authority), identity)

    assert status(port, identity.authority) == 200


def test_the_next_start_is_trusted_without_installing_anything_again(identity, serve):
    before = identity.authority.read_bytes(), identity.certificate.read_bytes()

    again = make_identity(identity.authority.parent, "127.0.0.1")

    assert again.authority.read_bytes() == before[0]
    assert again.certificate.read_bytes() != before[1]
    assert status(serve(handler_of(again.authority), again), identity.authority) == 200


def test_another_demo_is_not_trusted(identity, serve, tmp_path):
    other = make_identity(tmp_path / "other", "127.0.0.1")
    port = serve(handler_of(other.authority), other)

    with pytest.raises(ssl.SSLCertVerificationError):
        status(port, identity.authority)


def test_keys_are_readable_by_nobody_else(identity):
    folder = identity.key.parent

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_phones_get_the_certificate_and_never_a_key(identity, serve):
    connection = http.client.HTTPConnection("127.0.0.1", serve(handler_of(identity.authority)), timeout=10)
    answers = {}
    for path in ("/", "/shelfsight-demo.crt", "/authority.key", "/../site.key"):
        connection.request("GET", path)
        response = connection.getresponse()
        answers[path] = response.getheader("Content-Type"), response.read()

    assert answers["/shelfsight-demo.crt"] == (
        "application/x-x509-ca-cert",
        identity.authority.read_bytes(),
    )
    assert b"PRIVATE KEY" not in b"".join(content for _, content in answers.values())
    assert answers["/authority.key"] == answers["/"]


def test_the_address_is_one_of_this_machine():
    assert address_in_network().count(".") == 3
