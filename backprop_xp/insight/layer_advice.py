"""What to do about layers that do not learn, in plain sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backprop_xp.insight.layer_records import LayerRecord

# From here on a thing is called a problem.
MOST_DEAD, MOST_SATURATED = 0.3, 0.5
# Gradients of the first layer relative to those of the last.
_VANISHING, _EXPLODING = 1e-3, 1e3


def advise(records: list[LayerRecord], scaling: str) -> list[str]:
    """Sentences on the records of one epoch, a layer each; none if all is well.

    Of the output layer nothing is said about saturation: it is flat where it is sure. What is to be
    said on the scale of the features comes first.
    """
    advice = _layers(records)
    return [scaling, *advice] if advice and scaling else advice


def _layers(records: list[LayerRecord]) -> list[str]:
    forward = [record for record in records if not math.isfinite(record.A)]
    back = [record for record in records if not math.isfinite(record.dZ + record.dW)]
    if forward or back:  # the layer where it began: the lowest going forward, the highest back
        return [_infinite(forward[0] if forward else back[-1])]
    advice = [_dead(record) for record in records if record.dead > MOST_DEAD]
    advice += [_saturated(record) for record in records[:-1] if record.saturated > MOST_SATURATED]
    ratio = _ratio(records)
    if ratio > _EXPLODING:
        advice.append(_exploding(records, ratio))
    if ratio < _VANISHING and not advice:  # flat layers, if there are any, are the cause
        advice.append(_vanishing(records, ratio))
    return advice


def _ratio(records: list[LayerRecord]) -> float:
    """∂J/∂Z of the first layer over that of the last; 1 where nothing comes back at all."""
    if len(records) < 2 or not records[-1].dZ:
        return 1.0
    return records[0].dZ / records[-1].dZ


def _dead(record: LayerRecord) -> str:
    count = round(record.dead * record.units)
    instead = "a smaller learning rate"
    if record.activation in ("relu", "leaky_relu"):
        instead += ", hidden='gelu' or 'elu'"
    return (
        f"Layer {record.layer}: {count} of {record.units} {record.activation} units are dead: "
        "their slope is about 0 for every example, so they learn nothing. "
        f"Try {instead}, or another seed."
    )


def _saturated(record: LayerRecord) -> str:
    return (
        f"Layer {record.layer}: {record.saturated:.0%} of its {record.activation} outputs are "
        "saturated: their slope is about 0, so little comes back through them. "
        "Try a smaller learning rate, l2=1e-4, or hidden='relu'."
    )


def _vanishing(records: list[LayerRecord], ratio: float) -> str:
    remedy = "fewer layers, or larger weights at the start (initializer='he_normal')"
    if any(record.activation == "sigmoid" for record in records[:-1]):
        remedy = "hidden='tanh' or 'relu' instead of sigmoid, whose slope is at most 1/4"
    return (
        f"The gradients vanish on the way back: ∂J/∂Z of layer 1 is {ratio:.0e} of that of layer "
        f"{len(records)}, so the first layers hardly learn. Try {remedy}."
    )


def _exploding(records: list[LayerRecord], ratio: float) -> str:
    return (
        f"The gradients explode on the way back: ∂J/∂Z of layer 1 is {ratio:.0e} times that of "
        f"layer {len(records)}. Try clip_norm=1.0 in fit, a smaller learning rate, smaller weights "
        "at the start (initializer='glorot_uniform'), or fewer layers."
    )


def _infinite(record: LayerRecord) -> str:
    return (
        f"Layer {record.layer} has left the finite numbers: try a smaller learning rate or "
        "clip_norm=1.0 in fit."
    )
