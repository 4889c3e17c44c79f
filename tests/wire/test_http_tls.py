import ssl
import warnings
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from wire_server import RawServer

from syncd.domain.trouble import Care, Transient
from syncd.wire.http import Http, _verifying

SALTED = {"sid": "demo_sid", "salt": "canary+salt/=", "sign": "canarysign"}


class Authority:
    """A certificate authority of the test's own, and servers' certificates with one flaw each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "demo authority")])
        self._certificate = self._sign("demo authority", self._key, self._name, authority=True)

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self._certificate.public_bytes(serialization.Encoding.PEM).decode())

    def serving(self, *, host: str | None = None, expired: bool = False) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(host or "127.0.0.1", key, self._name, expired=expired)
        path = self._folder / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(
        self,
        host: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Name,
        *,
        expired: bool = False,
        authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        alternative = x509.DNSName(host) if not host.startswith("127") else x509.IPAddress(ip_address(host))
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now - timedelta(days=1) if expired else now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .sign(self._key, hashes.SHA256())
        )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.parametrize("flaw", ["expired", "wrong_host", "unknown_authority"])
async def test_a_bad_certificate_is_refused_before_any_byte_of_the_request(authority: Authority, flaw: str):
    """F53, S10"""
    trusted = None if flaw == "unknown_authority" else authority.trusting()
    served = authority.serving(host="other.test" if flaw == "wrong_host" else None, expired=flaw == "expired")

    async with RawServer(tls=served) as server, Http("wdt", tls=trusted) as http:
        with pytest.raises(Transient) as caught:
            await http.post(f"https://127.0.0.1:{server.port}/", body=b"[]", params=SALTED)

        assert caught.value.verdict.code == "not_sent.certificate"
        assert caught.value.verdict.care is Care.SETTINGS
        assert server.arrived == []


async def test_a_good_certificate_is_accepted(authority: Authority):
    """The control of the test above: without its flaw the same server is talked to."""
    async with RawServer(tls=authority.serving()) as server, Http("wdt", tls=authority.trusting()) as http:
        answer = await http.post(f"https://127.0.0.1:{server.port}/", body=b"[]")

        assert answer.status == 200
        assert len(server.arrived) == 1


async def test_a_server_that_speaks_no_tls_has_received_nothing(raw_server: RawServer):
    """F52: no fall-back to plain HTTP."""
    async with Http("wdt", connect_timeout=0.3) as http:
        with pytest.raises(Transient) as caught:
            await http.post(f"https://127.0.0.1:{raw_server.port}/", body=b"[]")

    assert caught.value.verdict.code.startswith("not_sent.")
    assert raw_server.arrived == []


async def test_old_tls_is_not_spoken(authority: Authority):
    """S10"""
    served = authority.serving()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        served.minimum_version = ssl.TLSVersion.TLSv1
        served.maximum_version = ssl.TLSVersion.TLSv1_1

    async with RawServer(tls=served) as server, Http("wdt", tls=authority.trusting()) as http:
        with pytest.raises(Transient):
            await http.post(f"https://127.0.0.1:{server.port}/", body=b"[]")

        assert server.arrived == []
    assert _verifying().minimum_version is ssl.TLSVersion.TLSv1_2
    assert _verifying().verify_mode is ssl.CERT_REQUIRED
