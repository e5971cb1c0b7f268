"""Stand-in for maths/saved.py until that is merged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from backprop_xp.errors import CheckpointError
from backprop_xp.maths.network import Network


def save_network(net: Any, path: str | Path, extra: dict[str, Any] | None = None) -> None:
    """Write a network."""
    about = {
        "sizes": list(net.sizes),
        "hidden": [a if isinstance(a, str) else a.name for a in net.hidden],
        "output": net.output if isinstance(net.output, str) else net.output.name,
        "extra": extra or {},
    }
    with open(path, "wb") as file:
        np.savez(file, theta=net.backend.to_numpy(net.theta), about=json.dumps(about))


def load_network(path: str | Path, backend: Any = None) -> tuple[Network, dict[str, Any]]:
    """Read a network."""
    try:
        with np.load(path, allow_pickle=False) as file:
            about, theta = json.loads(str(file["about"])), file["theta"]
    except (OSError, ValueError, KeyError) as problem:
        raise CheckpointError(f"{path} is no model: {problem}") from problem
    net = Network(about["sizes"], about["hidden"], about["output"], backend=backend)
    net.theta[...] = net.backend.asarray(theta)
    return net, about["extra"]
