"""What arrives: system and business parameters from the query and the body, merged; file parts apart."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.web_request import FileField

SYSTEM = frozenset({
    "method", "app_key", "session", "timestamp", "format", "v", "sign_method", "sign", "simplify", "partner_id",
    "target_app_key",
})  # fmt: skip
FILE_TEXTS = ("invoice_file_content",)


@dataclass(slots=True)
class Envelope:
    """One request. `texts` are decoded and signed, `files` are neither; `complaints` are a caller's mistakes.

    A complaint is something the real gateway may pass over in silence, but no careful caller does.
    """

    verb: str
    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    packed: bool = False

    def get(self, name: str) -> str:
        return self.texts.get(name, "")

    @property
    def method(self) -> str:
        return self.get("method")

    @property
    def as_json(self) -> bool:
        return self.get("format") == "json"

    @property
    def simplified(self) -> bool:
        return self.as_json and self.get("simplify") in ("true", "1")

    def business(self) -> dict[str, str]:
        return {name: text for name, text in self.texts.items() if name not in SYSTEM}

    def asked(self) -> bytes:
        """What is wanted, without what changes from one attempt to the next."""
        parts = [self.method, *(f"{name}={text}" for name, text in sorted(self.business().items()))]
        return "\n".join([*parts, *sorted(self.files)]).encode()

    def journal(self) -> dict[str, str]:
        """The parameters, with files told by their size."""
        told = {name: f"({len(content)} bytes)" for name, content in self.files.items()}
        cut = {name: f"({len(self.texts[name])} characters)" for name in FILE_TEXTS if name in self.texts}
        return self.texts | told | cut


async def read_envelope(request: web.Request) -> Envelope:
    """Merge both places of parameters (SDKs use either) and note what is sent twice or empty."""
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    envelope = Envelope(request.method, packed=packed)
    _add(envelope, request.query.items(), "query")
    _add(envelope, (await request.post()).items(), "body")
    for name, text in envelope.texts.items():
        if not text:
            envelope.complaints.append(f"{envelope.method}: the parameter {name} is empty")
    return envelope


def note_unknown(envelope: Envelope, known: Iterable[str]) -> None:
    """Complain of business parameters the method does not have."""
    given = {*envelope.business(), *envelope.files}
    for name in sorted(given - set(known)):
        envelope.complaints.append(f"{envelope.method}: there is no parameter {name}")


def without_empty(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _add(envelope: Envelope, pairs: Iterable[tuple[str, Any]], place: str) -> None:
    for name, value in pairs:
        if name in envelope.texts or name in envelope.files:
            envelope.complaints.append(f"{envelope.method}: the parameter {name} is sent twice (again in the {place})")
        elif isinstance(value, FileField):
            envelope.files[name] = value.file.read()
        elif isinstance(value, bytes | bytearray):
            envelope.files[name] = bytes(value)
        else:
            envelope.texts[name] = str(value)
