"""Who calls `due()` and who calls `run_unit()`. Nothing here knows what a unit is about."""
