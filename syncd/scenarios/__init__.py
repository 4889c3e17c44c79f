"""Scripted days that go wrong: the real program over real HTTP against the sandbox, with figures that must hold.

A scenario is *played* in a `World`; what it counted is judged by its own demands and by those of the caller. Every
scenario also counts that its fault really struck: a day on which nothing went wrong proves nothing and fails.
"""
