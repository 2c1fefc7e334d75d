"""A place for the newest of something: writers never wait, readers miss what they are too slow for."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Shared by threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._number = 0
        self._closed = False

    def put(self, value: T) -> None:
        """Replaces what was there."""
        with self._changed:
            self._value, self._number = value, self._number + 1
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def newer_than(self, number: int) -> tuple[int, T] | None:
        """Waits for a value whose number is greater; None when there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._number > number or self._closed)
            if self._number > number:
                assert self._value is not None
                return self._number, self._value
            return None
