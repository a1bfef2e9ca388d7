"""For all tests: Ctrl-C is what they send, and what ends them."""

import signal

# A shell starts what it puts in the background with this ignored, and whatever that starts as well.
signal.signal(signal.SIGINT, signal.default_int_handler)
