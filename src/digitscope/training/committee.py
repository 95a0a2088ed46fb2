"""Committees (ensembles): networks of one recipe with different seeds, averaged in one model file.

Networks with different initial weights and another order of the images err on different images, so
the mean of their probabilities has fewer errors than each of them (Hansen and Salamon, "Neural
Network Ensembles", IEEE Transactions on Pattern Analysis and Machine Intelligence 12, 1990). The
computation time is proportional to the number of members.

::

    runs/cnn-1/
      members/1/ ...   the run of each member, finished or not
      model.onnx       all members, with one card
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper

from digitscope.data import Dataset, Split, load_data
from digitscope.errors import BadRun, Misuse
from digitscope.image.digit import DIGITS, SIDE, Labels, Probabilities
from digitscope.models.classifier import DIGIT, Classifier
from digitscope.recipes import Recipe, get_recipe
from digitscope.runs import Run
from digitscope.training.model_release import now, release_model, timed
from digitscope.training.onnx_export import IR_VERSION, OPSET, TINY
from digitscope.training.run_record import begin_run
from digitscope.training.trainer import (
    Listener,
    describe_data,
    resume,
    split_for,
    train,
)

MOST = 100  # largest number of members


def train_committee(
    recipe: str | Recipe = "mlp",
    members: int = 5,
    *,
    data: str | Dataset | None = None,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    listener: Listener | None = None,
) -> Run:
    """Train a committee and write it to one model file.

    Parameters
    ----------
    recipe : str or Recipe
        Member k = 0, 1, … has the seed of the recipe plus k.
    members : int
        2 to 100.
    data, out, data_dir, listener
        As for `train`; the listener gets the events of each member.

    Returns
    -------
    Run
        Its folder holds the runs of the members, model.onnx, metrics.json and run.json. It is
        unfinished if a member was interrupted; `resume_committee` continues it.

    Raises
    ------
    Misuse
        For an invalid number of members.
    TrainingFailed
        If the loss of a member is not finite.
    """
    recipe = get_recipe(recipe)
    if not 2 <= members <= MOST:
        raise Misuse(f"members must be 2 to {MOST}. Received: {members}.")
    dataset = data if isinstance(data, Dataset) else load_data(data, data_dir)
    run = begin_run(out, recipe, {"name": dataset.name}, data_dir, members=members)
    return _complete(run, dataset, listener)


def resume_committee(path: str | Path, *, listener: Listener | None = None) -> Run:
    """Continue the training of a committee that was stopped.

    Parameters
    ----------
    path : path
        The folder of its run.
    listener : Listener, optional

    Raises
    ------
    BadRun
        If it is not a committee, or is finished.
    """
    run = Run.open(path)
    run.check_unfinished()
    if run.members < 2:
        raise BadRun(f"{path} is not a committee; use `resume` to continue it.")
    record = run.record
    return _complete(run, load_data(record["data"]["name"], record.get("data_dir")), listener)


def _complete(run: Run, dataset: Dataset, listener: Listener | None) -> Run:
    recipe, folder = run.recipe, run.record.get("data_dir")
    timings: dict[str, float] = {"data": 0.0}
    members: list[Run] = []
    with timed(timings, "fit"):
        for k in range(run.members):
            member = Run(run.path / "members" / str(k + 1))
            if not member.record_file.exists():
                mine = recipe.but(seed=recipe.seed + k)
                member = train(
                    mine, data=dataset, out=member.path, data_dir=folder, listener=listener
                )
            elif member.record.get("status") != "finished":
                member = resume(member.path, listener=listener)
            members.append(member)
            if member.record["status"] != "finished":
                why = f"interrupted in member {k + 1} of {run.members}"
                run.update_record(status="interrupted", stopped=why, timings=timings)
                return run
    sources = [load_data(name, folder) for name in recipe.sources]
    fitting, held_out = split_for(recipe, dataset, sources)
    run.update_record(data=describe_data(dataset, fitting, held_out, sources))
    classifiers = [Classifier(member.model_file, threads=1) for member in members]
    with timed(timings, "evaluation"):
        proto = join_members([onnx.load(member.model_file) for member in members])
        release_model(
            run,
            proto,
            dataset,
            held_out,
            seed=recipe.seed,
            parameters=sum(classifier.card.parameters for classifier in classifiers),
            committee=_judge(classifiers, held_out),
        )
    run.update_record(status="finished", stopped="", timings=timings, finished=now())
    return run


def join_members(members: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    """Return one model that gives the mean probabilities of its members.

    Parameters
    ----------
    members : sequence of onnx.ModelProto
        Models from `to_onnx` with the same inputs and outputs.
    """
    names = [output.name for output in members[0].graph.output]
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    for k, member in enumerate(members, start=1):
        graph = compose.add_prefix(member, f"member_{k}/", rename_inputs=False).graph
        nodes += graph.node
        weights += graph.initializer
    for name in names:
        inputs = [f"member_{k}/{name}" for k in range(1, len(members) + 1)]
        nodes.append(helper.make_node("Mean", inputs, [name], name=name))
    proto = helper.make_model(
        helper.make_graph(
            nodes,
            "digitscope",
            [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", SIDE, SIDE])],
            [
                helper.make_tensor_value_info(
                    name, TensorProto.FLOAT, ["n", 1 if name == DIGIT else DIGITS]
                )
                for name in names
            ],
            weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="digitscope",
    )
    onnx.checker.check_model(proto)
    return proto


def _judge(members: Sequence[Classifier], held_out: Split) -> dict[str, Any]:
    """Return the scores of members and committee on held-out images, and their time."""
    labels = held_out.labels
    if not len(labels):
        return {"members": len(members)}
    started = time.perf_counter()
    each = [m.predict_proba(held_out.images, calibrated=False) for m in members]
    seconds = (time.perf_counter() - started) / len(labels) * 1_000
    so_far = np.cumsum(each, axis=0) / np.arange(1, len(each) + 1).reshape(-1, 1, 1)
    return {
        "members": len(members),
        "n": len(labels),
        "alone": [_scores(labels, p) for p in each],
        "first": [_scores(labels, p) for p in so_far],
        "ms_per_image": seconds,
        "ms_per_image_alone": seconds / len(members),
    }


def _scores(labels: Labels, probabilities: Probabilities) -> dict[str, float]:
    of_label = probabilities[np.arange(len(labels)), labels]
    return {
        "accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
        "log_loss": float(-np.log(np.maximum(of_label, TINY)).mean()),
    }
