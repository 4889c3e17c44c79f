"""What `syncd` knows without a network, a database or a clock of its own: pure rules over plain values."""
