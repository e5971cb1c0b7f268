"""What `train DATA --json` prints."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

import backprop_xp as bp
from backprop_xp.tables.prepared import Prepared
from backprop_xp.tables.report import ClassReport, ValueReport


def document(
    options: argparse.Namespace,
    data: Prepared,
    net: bp.Network,
    history: bp.History,
    seconds: float,
    result: ClassReport | ValueReport,
) -> str:
    """All that is known of a run, as JSON; a number that is not finite is null."""
    plain = {
        "data": str(options.data),
        "target": data.task.target,
        "task": data.task.kind,
        "why": data.task.why,
        "notices": data.notices,
        "left_out": data.left_out,
        "warning": data.warning,
        "rows": {
            "training": len(data.training),
            "validation": len(data.validation or ()),
            "held_out": len(data.held_out),
        },
        "network": {
            "sizes": list(net.sizes),
            "hidden": [g.name for g in net.hidden],
            "output": net.output.name,
            "loss": net.loss.name,
            "parameters": int(net.theta.shape[0]),
            "l2": net.architecture.l2,
        },
        "backend": net.backend.name,
        "epochs": len(history.loss),
        "best_epoch": history.best_epoch,
        "stopped": history.stopped,
        "seconds": seconds,
        "loss": history.loss,
        **_watched(data, history),
        "test": result.plain(),
        "out": None if options.out is None else str(options.out),
        "plot": None if options.plot is None else str(options.plot),
    }
    return json.dumps(_finite(plain), indent=2, allow_nan=False)


def _watched(data: Prepared, history: bp.History) -> dict[str, Any]:
    """The figures after every epoch, by the names of the rows that they were measured on."""
    figures = {"validation_loss": history.validation_loss, **history.metrics}
    if data.validation is not None:
        return figures
    tested = {name.replace("validation", "test"): values for name, values in figures.items()}
    return {"validation_loss": [], **tested}


def _finite(value: Any) -> Any:
    """Replace NaN and infinities, which JSON does not have, by None."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
