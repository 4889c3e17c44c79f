"""Finds every log call in source text, without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

METHODS = {"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "msg", "fatal"}
LOGGERS = {"log", "_log", "logger", "_logger"}
MAKERS = {"bind", "new", "unbind", "try_unbind", "get_logger", "getLogger"}


@dataclass(frozen=True)
class LogCall:
    where: str
    event: str | None  # None: not a literal
    level: str
    fields: tuple[str, ...]


def log_calls(source: str, name: str) -> Iterator[LogCall]:
    """Each use of a log method of something called `log` or `logger`, of an attribute of that name, or of what
    `get_logger()` or `bind()` give: called, or prepared by `partial`. One that is handed on otherwise has no event."""
    tree = ast.parse(source)
    used: dict[ast.expr, tuple[list[ast.expr], list[ast.keyword]]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            used[node.func] = (node.args, node.keywords)
            if isinstance(node.func, ast.Name) and node.func.id == "partial" and node.args:
                used[node.args[0]] = (node.args[1:], node.keywords)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in METHODS and _is_logger(node.value):
            args, keywords = used.get(node, ([], []))
            yield _log_call(f"{name}:{node.lineno}", node.attr, args, keywords)


def _log_call(where: str, method: str, args: list[ast.expr], keywords: list[ast.keyword]) -> LogCall:
    args = args[1:] if method == "log" else args
    first = args[0] if args else None
    event = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
    level = {"exception": "error", "warn": "warning", "log": "any", "fatal": "critical"}.get(method, method)
    fields = tuple(keyword.arg or "**" for keyword in keywords if keyword.arg != "exc_info")
    return LogCall(where, event, level, fields)


def _is_logger(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in LOGGERS
        case ast.Call(func=ast.Attribute(attr=maker)) if maker in MAKERS:
            return True
        case ast.Call(func=ast.Name(id=maker)):
            return maker in MAKERS
    return False
