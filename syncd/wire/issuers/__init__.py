"""The issuers: one folder per platform behind the `Issuer` port (docs/issuers.md)."""
