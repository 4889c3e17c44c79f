"""The stages: each a pure plan and an acting run. They never call each other; they meet only in rows."""
