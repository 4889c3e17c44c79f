"""Reading a file of links: a column of order numbers and one of application ids, as a spreadsheet saves them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from syncd.domain.link_rules import BadLine, Wish

#: What the two columns may be called, in either language; blanks and case do not count.
ORDER_COLUMNS = ("invoice_order_no", "order_no", "no", "发票单号", "开票单号", "单号")
APPLY_COLUMNS = ("apply_id", "applyid", "申请id", "申请编号", "申请单号", "发票申请id")
#: Bytes and lines of a file.
MOST_BYTES, MOST_LINES = 8 * 2**20, 100_000


def read(content: bytes) -> tuple[list[Wish], list[BadLine]]:
    """Every line as a wish, or why it is none. Line 1 is the header."""
    if len(content) > MOST_BYTES:
        return [], [BadLine(1, "too_large", {"most": str(MOST_BYTES // 2**20)})]
    text = _decoded(content)
    if text is None:
        return [], [BadLine(1, "encoding")]
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        return [], [BadLine(1, "no_header")]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(lines[0]), strict=True)
    wishes: list[Wish] = []
    bad: list[BadLine] = []
    try:
        header = [cell.strip().casefold() for cell in next(reader)]
        places = _column(header, ORDER_COLUMNS), _column(header, APPLY_COLUMNS)
        if None in places:
            return [], [BadLine(1, "column_missing", {"found": ", ".join(filter(None, header))[:200]})]
        for cells in reader:
            line = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(wishes) >= MOST_LINES:
                return wishes, [*bad, BadLine(line, "too_many_lines", {"most": str(MOST_LINES)})]
            found = _wish(line, cells, len(header), places)
            (bad if isinstance(found, BadLine) else wishes).append(found)  # type: ignore[arg-type]
    except csv.Error:
        bad.append(BadLine(reader.line_num, "quotes"))
    return wishes, bad


def _wish(line: int, cells: Sequence[str], width: int, places: tuple[int | None, int | None]) -> Wish | BadLine:
    if len(cells) != width:
        return BadLine(line, "cells", {"found": str(len(cells)), "wanted": str(width)})
    no, apply_id = (_plain(cells[place or 0]) for place in places)
    if not no or not apply_id:
        return BadLine(line, "empty_cell")
    return Wish(line, no, apply_id)


def _plain(cell: str) -> str:
    """Without what people put before digits so that a spreadsheet leaves them alone: ="123", '123, a tab."""
    text = cell.strip().lstrip("\t'").strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.strip()


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    places = [place for place, name in enumerate(header) if name.replace(" ", "") in names]
    return places[0] if len(places) == 1 else None


def _delimiter(header: str) -> str:
    return max(",\t;", key=header.count)


def _decoded(content: bytes) -> str | None:
    """UTF-8, with or without its mark, or what Chinese spreadsheets save by default."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _as(content, "utf-16")
    text = _as(content, "utf-8-sig")
    return text if text is not None else _as(content, "gb18030")


def _as(content: bytes, encoding: str) -> str | None:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
