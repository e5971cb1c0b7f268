"""A lesson as a Jupyter notebook."""

from __future__ import annotations

from pathlib import Path

from backprop_xp.errors import ConfigurationError
from backprop_xp.lessons.catalogue import Lesson
from backprop_xp.storage.whole_files import write_whole

_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def write_notebook(lesson: Lesson, path: Path) -> None:
    """Write a lesson as an .ipynb; the solution is folded, so that it gives nothing away.

    Raises
    ------
    ConfigurationError
        The name does not end in .ipynb, there is such a file, which may hold somebody's work,
        nbformat is missing, or the file cannot be written.
    """
    if path.suffix != ".ipynb":
        raise ConfigurationError(f"--notebook {path}: expected a name that ends in .ipynb")
    if path.exists():
        raise ConfigurationError(
            f"--notebook {path}: there is such a file, perhaps with work of yours in it: move it, "
            "or give another name"
        )
    try:
        import nbformat
        from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
    except ImportError:
        raise ConfigurationError(
            "notebooks are written with nbformat, which is not installed: "
            'pip install "backprop-xp[docs]"'
        ) from None
    cells = []
    for number, cell in enumerate(lesson.cells, start=1):
        make = new_markdown_cell if cell.is_text else new_code_cell
        made = make(cell.source, id=f"cell-{number}")  # the same lesson is the same file
        if cell.tag:
            made.metadata["tags"] = [cell.tag]
        if cell.tag == "solution":
            made.metadata["jupyter"] = {"source_hidden": True}
        cells.append(made)
    notebook = new_notebook(cells=cells, metadata={"kernelspec": _KERNEL})
    write_whole(path, nbformat.writes(notebook).encode(), ConfigurationError)
