"""For all tests: the same examples each time, however slow the machine; Ctrl-C ends them."""

import signal

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

# A shell starts what it puts in the background with this ignored, and whatever that starts as well.
signal.signal(signal.SIGINT, signal.default_int_handler)
