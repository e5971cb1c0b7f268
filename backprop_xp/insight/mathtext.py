"""Formulas of an explanation, typeset: "∂J/∂W[2]" becomes a fraction with a superscript."""

from __future__ import annotations

import re

_SIGNS = {
    "∂": r"\partial ",
    "∗": r"\ast ",
    "·": r"\cdot ",
    "−": "-",
    "σ": r"\sigma ",
    "Σ": r"\Sigma ",
    "Φ": r"\Phi ",
    "φ": r"\varphi ",
    "δ": r"\delta ",
    "α": r"\alpha ",
    "½": r"\frac{1}{2}",
    "ᵢⱼ": "_{ij}",
    "ᵢ": "_i",
    "ⱼ": "_j",
    "ᵀ": "^T",
}
_NAME = r"[A-Za-z](?:\[\d+\])?"


def math(formula: str) -> str:
    """The formula as matplotlib's mathtext, with its dollar signs."""
    formula = re.sub(r"[A-Za-z_]{2,}", _word, formula)
    formula = re.sub(rf"∂({_NAME})/∂({_NAME})", r"\\dfrac{∂\1}{∂\2}", formula)
    formula = re.sub(r"\(1/m\) ?", r"\\dfrac{1}{m}\\,", formula)
    formula = re.sub(rf"e\^({_NAME})", r"e^{\1}", formula)
    formula = re.sub(r"([A-Za-z]\[\d+\])²", r"(\1)^2", formula)
    formula = re.sub(r"\(([^()]*)\) / \((.*)\)$", r"\\dfrac{\1}{\2}", formula)
    formula = re.sub(r"([A-Za-z])\[(\d+)\]ᵀ", r"\1^{[\2]T}", formula)
    formula = re.sub(r"([A-Za-z])\[(\d+)\]", r"\1^{[\2]}", formula)
    formula = formula.replace("²", "^2")
    for sign, command in _SIGNS.items():
        formula = formula.replace(sign, command)
    return f"${formula}$"


def _word(found: re.Match[str]) -> str:
    """Words stand upright, with the spaces that mathematics would swallow."""
    word = found[0].replace("_", r"\_")
    space = r"\ " if word in ("if", "else", "where", "sign", "log") else ""
    return rf"{space}\mathrm{{{word}}}{space}"
