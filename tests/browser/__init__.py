"""Tests in a real browser: a package, for browser, server and page are there once for all of its files, and end with them."""
