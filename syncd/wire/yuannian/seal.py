"""What the store keeps of a card's holder, and of a fetched token, sealed under a key of the account's secret.

A stolen store tells nobody's openid; under another secret, or moved to another card, what was sealed stays shut.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields

from syncd.domain.wallet import Holder

_NONCE_LENGTH = 12


class Seal:
    """AES-GCM: `about` is bound to what is sealed. `purpose` keeps two uses of one secret apart.

    `random_bytes` is `os.urandom` outside tests.
    """

    def __init__(self, secret: str, purpose: str, random_bytes: Callable[[int], bytes]) -> None:
        if not secret:
            raise ValueError("nothing to make a key from")
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"syncd/yuannian/{purpose}".encode())
        self._cipher = AESGCM(derived.derive(secret.encode()))
        self._random_bytes = random_bytes

    def closed(self, text: str, about: str) -> bytes:
        """`text`, to be kept."""
        nonce = self._random_bytes(_NONCE_LENGTH)
        return nonce + self._cipher.encrypt(nonce, text.encode(), about.encode())

    def opened(self, sealed: bytes, about: str) -> str | None:
        """The text; None where it was sealed under another secret or about something else."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], about.encode()).decode()
        except (InvalidTag, ValueError):
            return None


class HolderSeal:
    """The `CardSeal` of the domain for one merchant's account."""

    def __init__(self, secret: str, app_id: str, random_bytes: Callable[[int], bytes]) -> None:
        self._seal = Seal(secret, "card", random_bytes)
        self._app_id = app_id

    def closed(self, card_id: str, holder: Holder) -> bytes:
        return self._seal.closed(json.dumps(asdict(holder), ensure_ascii=False), self._about(card_id))

    def opened(self, card_id: str, sealed: bytes) -> Holder | None:
        text = self._seal.opened(sealed, self._about(card_id))
        if text is None:
            return None
        told = json.loads(text)
        return Holder(**{field.name: told.get(field.name, "") for field in fields(Holder)})

    def _about(self, card_id: str) -> str:
        return f"{self._app_id}/{card_id}"
