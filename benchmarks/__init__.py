"""What `syncd` costs, beside what would be picked instead and beside what the machine can do at all (README.md)."""
