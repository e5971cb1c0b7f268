"""set_up_run: from a plan to a run that can begin, for `fit`, for folds and for the estimators."""

from __future__ import annotations

import copy
from dataclasses import replace

from backprop_xp.training.resumption import restore_run
from backprop_xp.training.run import RunPlan, TrainingRun
from backprop_xp.training.step import TrainStep


def set_up_run(plan: RunPlan) -> TrainingRun:
    """Return the run of a plan, before its first epoch or where its checkpoint was written.

    Raises
    ------
    CheckpointError, ConfigurationError, BackendError
        The checkpoint belongs to another run, a rank has something else than the others, or there
        is no step that the plan could be run with. No weight has changed then.
    """
    with plan.job.checks():
        step = _new_step(plan) if plan.step is None else plan.step
        # What a schedule remembers is of one run.
        run = plan.job.run(replace(plan, schedule=copy.deepcopy(plan.schedule)), step)
        if plan.resume is not None:
            restore_run(run, plan.resume, plan.job.read)
        plan.job.agree_on(run)
    return run


def _new_step(plan: RunPlan) -> TrainStep:
    """One step of the network; what shuffles its rows draws where its dropout begins."""
    step = plan.job.step(plan.net, plan.optimizer, plan.clip_norm)
    if plan.net.architecture.dropout:
        drawn = [int(rng.integers(2**62)) for rng in plan.batches.rngs]
        step.seed = drawn[0] if len(drawn) == 1 else drawn
    return step
