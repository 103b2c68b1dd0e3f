"""Fixtures of the tests of the mathematics and of its files."""

from contextlib import contextmanager

import pytest


@pytest.fixture
def edited():
    """with edited(path, position, byte): the file has this byte there, and afterwards what it had.

    It is written in place: where a file is cut off and filled again, the disk is waited for each time.
    """

    @contextmanager
    def edited(path, position, byte):
        with open(path, "r+b", buffering=0) as file:
            file.seek(position)
            before = file.read(1)
            file.seek(position)
            file.write(bytes([byte]))
            try:
                yield
            finally:
                file.seek(position)
                file.write(before)

    return edited
