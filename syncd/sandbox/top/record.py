"""How an upload ends in the ledger, whether it was sound, refused or a repetition."""

from collections.abc import Iterator
from contextlib import contextmanager

from syncd.sandbox.top.ask import Ask
from syncd.sandbox.top.refusal import BusinessRefused, Refused
from syncd.sandbox.top.uploads import Upload
from syncd.sandbox.top.world import TopWorld

FILES = ("invoice_file_content", "invoice_file_data")


@contextmanager
def recorded(world: TopWorld, ask: Ask, upload: Upload) -> Iterator[None]:
    """Keep the upload in any case; take it when the checks inside raised nothing.

    Raises: BusinessRefused for a repetition when the switch `duplicate` says so.
    """
    upload.texts = {name: text for name, text in ask.texts.items() if name not in FILES}
    world.note_upload(upload)
    try:
        yield
        _decide(world, upload)
    except (Refused, BusinessRefused) as refused:
        upload.why_not = str(refused)
        raise


def _decide(world: TopWorld, upload: Upload) -> None:
    if upload.double and world.switches.duplicate == "error":
        raise BusinessRefused("isv.data-duplicate-error", "发票已上传")
    mode = world.upload_modes.get(upload.number, world.switches.uploads)
    upload.accepted = mode != "refused"
    if mode == "taken" and not upload.double:
        world.take_upload(upload)
