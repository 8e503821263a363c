"""Shared by all tests."""

import os

from hypothesis import settings

# Time is no property of the code under test: machines are shared. The same examples every time, more on request.
settings.register_profile("project", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "project"))

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
