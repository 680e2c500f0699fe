"""No deadline per hypothesis example: on a busy machine it would fail a run for its neighbours, not for the
code."""

from hypothesis import settings

settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")
