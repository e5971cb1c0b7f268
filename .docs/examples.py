"""The examples of a page: found, and run as a reader would, for the tests and for pictures."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# What is made by the build of the site, and not kept beside the pages.
MADE = re.compile(r"[\w-]+\.(?:png|svg|html)\b")


def scripts(text: str) -> list[str]:
    """The Python blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)


def commands(text: str) -> list[str]:
    """The blocks of a page with commands of this package."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    return [block for block in blocks if "python -m backprop_xp" in block]


def printed(text: str) -> list[tuple[str, str, str]]:
    """Language, code, and what is said to be printed; at most a sentence stands between them."""
    pattern = r"^```(python|sh)\n([^`]*)^```\n(?:\n[^\n`#]+\n)?\n```text\n(.*?)^```$"
    return re.findall(pattern, text, re.M | re.S)


def links(text: str) -> list[str]:
    """The targets of the links and pictures of a page, without those in code."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    text = re.sub(r"`[^`\n]*`", "", text)
    inline = re.findall(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)", text)
    return inline + re.findall(r"^\[[^\]]+\]: *(\S+)", text, re.M)


def run_script(block: str, folder: Path, backend: str | None = None) -> str:
    """Run a block as a script that a user has pasted into a folder of their own."""
    script = folder / "script.py"
    script.write_text(block, encoding="utf-8")
    return _finished([sys.executable, str(script)], folder, backend)


def run_commands(block: str, folder: Path) -> str:
    """Run this package's commands of a block in a folder that looks like a checkout."""
    data = Path("backprop_xp", "datasets")
    shutil.copytree(ROOT / data, folder / data, dirs_exist_ok=True)
    output = ""
    for command in re.split(r"\n|&&", block.replace("\\\n", " ")):
        words = shlex.split(command, comments=True)
        if words[:3] == ["python", "-m", "backprop_xp"]:
            # The folder has only the data of the package, so it must not be imported from there.
            program = "import sys; from backprop_xp.cli import main; sys.exit(main())"
            output += _finished([sys.executable, "-P", "-c", program, *words[3:]], folder)
    return output


def made_by(text: str, folder: Path) -> list[Path]:
    """Run the blocks that make what the page links to; the files that are in the folder then."""
    wanted = {link for link in links(text) if MADE.fullmatch(link)}
    for blocks, run in ((scripts(text), run_script), (commands(text), run_commands)):
        for block in blocks:
            if wanted & set(MADE.findall(block)):
                run(block, folder)
    return [folder / name for name in sorted(wanted) if (folder / name).is_file()]


def _finished(command: list[str], folder: Path, backend: str | None = None) -> str:
    """What a process has printed, if it ended well."""
    environment = {k: v for k, v in os.environ.items() if k != "BACKEND"}
    # The package under test, wherever it was imported from: the script's folder is not here.
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    environment["PYTHONIOENCODING"] = "utf-8"
    if backend:
        environment["BACKEND"] = backend
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout
