"""Which browser there is."""

import shutil

BROWSERS = ("chromium-headless-shell", "chromium")


def find_browser():
    """The path of a browser that needs no display, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)
