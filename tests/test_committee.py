"""A committee answers as the mean of its members, and its training can be resumed."""

import numpy as np
import onnx
import pytest

from digitscope.cli import main
from digitscope.data import load_data
from digitscope.errors import BadRun, Misuse
from digitscope.models.classifier import load
from digitscope.recipes import RECIPES
from digitscope.rendering import report
from digitscope.runs import Run
from digitscope.training import resume, resume_committee, train_committee
from digitscope.training.committee import join_members
from digitscope.training.networks import build_network
from digitscope.training.onnx_export import to_onnx

MLP = RECIPES["mlp"].but(epochs=2, seed=5)
IMAGES = load_data("digits").test.images


class StopIn:
    """Interrupts a member after an epoch."""

    def __init__(self, member, epoch):
        self.member, self.stop, self.begun = member, epoch, 0

    def begin(self, *_):
        self.begun += 1

    def part(self, share):
        pass

    def epoch(self, row):
        if self.begun == self.member and row["epoch"] == self.stop:
            raise KeyboardInterrupt

    def fitted(self, stopped):
        pass

    def done(self, *_):
        pass


@pytest.fixture(scope="module")
def committee(tmp_path_factory):
    """A trained committee of three."""
    return train_committee(MLP, 3, data="digits", out=tmp_path_factory.mktemp("runs") / "three")


def members_of(run):
    return [Run.open(run.path / "members" / str(k + 1)) for k in range(run.members)]


def test_its_answer_is_the_mean_of_its_members(committee):
    each = [
        load(m.model_file).predict_proba(IMAGES, calibrated=False) for m in members_of(committee)
    ]
    together = load(committee.path).predict_proba(IMAGES, calibrated=False)
    np.testing.assert_allclose(together, np.mean(each, axis=0), atol=2e-6)
    assert np.abs(each[0] - each[1]).max() > 0.01


def test_each_member_has_a_seed_of_its_own(committee):
    assert [member.recipe.seed for member in members_of(committee)] == [5, 6, 7]


def test_the_card_tells_what_it_brings_and_costs(committee):
    card = load(committee.path).card
    told, held_out = card.committee, load_data("digits").hold_out(300)[1]
    assert (told["members"], told["n"]) == (3, len(held_out))
    assert told["first"][0] == pytest.approx(told["alone"][0])
    accuracy = (load(committee.path).predict(held_out.images) == held_out.labels).mean()
    assert told["first"][-1]["accuracy"] == pytest.approx(accuracy)
    assert told["first"][-1]["log_loss"] < max(member["log_loss"] for member in told["alone"])
    assert told["ms_per_image"] == pytest.approx(3 * told["ms_per_image_alone"])
    assert card.parameters == 3 * load(members_of(committee)[0].path).card.parameters
    test = load_data("digits").test
    accuracy = (load(committee.path).predict(test.images) == test.labels).mean()
    assert committee.metrics["accuracy"] == pytest.approx(accuracy)
    assert card.temperature != 1


def test_a_committee_that_refuses_averages_both_answers(tmp_path):
    recipe = RECIPES["cnn"].but(filters=(4, 8), stem=0, hidden=(8,))
    protos = [to_onnx(build_network(recipe.but(seed=seed))) for seed in (0, 1)]
    paths = [tmp_path / f"{k}.onnx" for k in range(3)]
    for path, proto in zip(paths, [*protos, join_members(protos)], strict=True):
        onnx.save(proto, path)
    first, second, both = (load(path) for path in paths)
    assert both.refuses
    for one, other, mean in zip(
        *(c.judge(IMAGES[:50]) for c in (first, second, both)), strict=True
    ):
        np.testing.assert_allclose(mean, (one + other) / 2, atol=2e-6)


@pytest.mark.parametrize(("member", "epoch"), [(1, 1), (2, 1), (3, 0)])
def test_one_that_is_interrupted_ends_as_if_it_were_not(member, epoch, committee, tmp_path):
    out = tmp_path / "run"
    stop = StopIn(member, epoch)
    if epoch:
        run = train_committee(MLP, 3, data="digits", out=out, listener=stop)
        assert run.record["status"] == "interrupted"
    else:
        with pytest.raises(KeyboardInterrupt):
            train_committee(MLP, 3, data="digits", out=out, listener=stop)
    assert not (out / "model.onnx").exists()
    run = resume_committee(out)
    assert run.record["status"] == "finished"
    np.testing.assert_allclose(
        load(out).predict_proba(IMAGES), load(committee.path).predict_proba(IMAGES), atol=1e-6
    )
    with pytest.raises(BadRun, match="is finished"):
        resume_committee(out)


def test_the_page_of_a_committee(committee):
    page = report(committee).read_text()
    assert "3 networks together read" in page
    assert len(members_of(committee)) == 3
    assert all((member.path / "report.html").exists() for member in members_of(committee))


def test_committees_that_make_no_sense(committee, tmp_path, capsys):
    for members in (1, 101):
        with pytest.raises(Misuse, match="members must be 2 to 100"):
            train_committee(MLP, members, data="digits", out=tmp_path / "run")
    with pytest.raises(BadRun, match="already holds a run"):
        train_committee(MLP, 2, data="digits", out=committee.path)
    member = members_of(committee)[0]
    member.update_record(status="interrupted")
    with pytest.raises(BadRun, match="is not a committee"):
        resume_committee(member.path)
    member.update_record(status="finished")
    with pytest.raises(BadRun, match="is finished"):
        resume(member.path)
    with pytest.raises(SystemExit) as ended:
        main(["train", "page", "--members", "2"])
    assert ended.value.code == 2
    assert "--members is not an option of train page" in capsys.readouterr().err


def test_the_command(tmp_path, capsys):
    out = tmp_path / "run"
    arguments = ["--data", "digits", "--epochs", "1", "--out", str(out), "--no-report"]
    with pytest.raises(SystemExit) as ended:
        main(["train", "mlp", "--members", "2", *arguments])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "the 2 members together read" in printed
    assert "run on the digits test images" in printed
    assert Run.open(out).members == 2
