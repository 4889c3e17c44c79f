"""Bytes in, domain out: one package per outside party, and the one place that speaks HTTP."""
