"""Lets phones trust a demo: a certificate authority of its own, whose certificate a phone installs once.

Camera and offline work need https that the browser trusts, and no public authority signs for an address in a
shop's own network.

    python -m config.demo_https AUTHORITY_FILE PORT    # hands out the authority's certificate over http
"""

import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

VALID = timedelta(days=90)  # of the site's certificate, made anew at each start; phones take up to 825 days
SOMEWHERE = ("192.0.2.1", 9)  # an address that nobody has, RFC 5737: nothing is sent there
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Shelfsight demo</title>
<h1>Let this phone trust the demo</h1>
<p><a href="/shelfsight-demo.crt">Download the certificate</a>, then install it:</p><ul>
<li>Android: Settings, search for “CA certificate”, choose the file.</li>
<li>iPhone: Settings, “Profile downloaded”, install; then General, About, Certificate Trust Settings: switch
it on.</li></ul>
<p>Whoever has the files of this demo can then pretend to be any site to this phone: remove the certificate
when you have finished.</p></html>"""


@dataclass(frozen=True)
class Identity:
    """What the web server shows to browsers, and who vouches for it."""

    address: str  # of this machine in its network
    authority: Path  # PEM
    certificate: Path  # PEM, the chain
    key: Path  # PEM


def address_in_network() -> str:
    """This machine's address as others in its network see it; its own where it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(SOMEWHERE)
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]


def make_identity(folder: Path, address: str) -> Identity:
    """Make a certificate for an address, by the authority of earlier starts.

    Effects:      files in `folder`, which nobody else may read.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = Identity(address, folder / "authority.crt", folder / "site.crt", folder / "site.key")
    authority_key = folder / "authority.key"
    if authority_key.exists() and files.authority.exists():
        authority = trustme.CA.from_pem(files.authority.read_bytes(), authority_key.read_bytes())
    else:
        authority = trustme.CA(organization_name="Shelfsight demo")
        _write(authority_key, authority.private_key_pem.bytes())
        _write(files.authority, authority.cert_pem.bytes())
    now = datetime.now(UTC)
    site = authority.issue_cert(
        address, "127.0.0.1", "localhost", not_before=now - timedelta(days=1), not_after=now + VALID
    )
    _write(files.certificate, b"".join(part.bytes() for part in site.cert_chain_pems))
    _write(files.key, site.private_key_pem.bytes())
    return files


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def handler_of(authority: Path) -> type[BaseHTTPRequestHandler]:
    """Answers with the authority's certificate, and at any other address how to install it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_file = self.path == "/shelfsight-demo.crt"
            content = authority.read_bytes() if is_file else PAGE.encode()
            self.send_response(200)
            self.send_header(
                "Content-Type", "application/x-x509-ca-cert" if is_file else "text/html; charset=utf-8"
            )
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[2])), handler_of(Path(sys.argv[1]))).serve_forever()
