"""What is run beside each other, each in a process of its own: the yardsticks, and `syncd`'s own stages.

A contestant prints one line of JSON: what it `stored`, when it `ended_at` (seconds of the monotonic clock), and what
else it can tell about itself. The peers (`benchmarks/peers`) do the same in their own environments.
"""
