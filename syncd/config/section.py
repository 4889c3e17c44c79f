"""What every table of settings is, and the words several of them share."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from syncd.config.values import Says

TIMEOUT = Says("longest wait for one answer", "单次调用超时")
PACE = Says("calls a minute this credential may make", "每分钟调用上限")
PLAIN_HTTP = Says("allow unencrypted calls beyond this machine", "允许明文 http")


class Section(BaseModel):
    """A table of settings: unknown keys are refused, values are fixed once read, inputs never shown in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_number_is_true(cls, value: object, info: ValidationInfo) -> object:
        """To Python true is 1."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and {annotation, *get_args(annotation)} & {int, Decimal}:
            raise ValueError("must be a number, not true or false")
        return value
