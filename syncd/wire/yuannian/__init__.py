"""Yuannian (元年) tax platform, WeChat invoice volume: the seven interfaces behind the `Wallet` port."""
