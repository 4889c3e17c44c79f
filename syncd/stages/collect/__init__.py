"""Learns outcomes by asking."""
