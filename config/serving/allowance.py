"""How much of something one connection may send: so much at once, and so much more each second."""

import time


class Allowance:
    """What is left of it comes back as time goes by, up to `most`."""

    def __init__(self, most: float, a_second: float):
        self.most, self.a_second = most, a_second
        self._left, self._since = most, time.monotonic()

    def take(self, amount: float = 1) -> bool:
        """Use some of it; False when that is more than was left."""
        now = time.monotonic()
        self._left = min(self.most, self._left + (now - self._since) * self.a_second) - amount
        self._since = now
        return self._left >= 0
