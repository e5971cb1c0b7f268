"""Parser: what the commands' parsers share: errors of one line, and help that keeps its lines."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line; its subparsers are of this class, too."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def print_help(self, file: Any = None) -> None:
        print(self.format_help(), end="", file=file)  # where argparse is silent about a full disk

    def error(self, message: str) -> NoReturn:
        text = " ".join(f"{self.prog}: error: {message}; see {self.prog} --help".splitlines())
        self.exit(2, f"{text}\n")
