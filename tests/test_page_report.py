"""The report of a run of the page network: its numbers, titles and words."""

import dataclasses
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from digitscope.errors import BadRun
from digitscope.evaluation.page_scores import PageScores
from digitscope.models.card import ModelCard
from digitscope.models.glyph_classes import CLASSES, DIGIT_CLASSES, MAPS
from digitscope.recipes.page_recipe import PAGE, LossWeights
from digitscope.rendering import page_gallery, page_results, report
from digitscope.rendering.figures_pages import draw_page_learning
from digitscope.rendering.page_report import command, describe
from digitscope.rendering.page_results import PageResults, Share, cut_out, load_results
from digitscope.rendering.style import finding
from digitscope.rendering.wording import NBSP
from digitscope.runs import Run
from digitscope.synthesis.pages.truth import PageTruth, TrueGlyph
from page_fakes import TINY_PAGE, FakePages

SIDE = 64  # pixels of the pages made by hand


def glyph(label, x, y, height=16.0):
    return TrueGlyph(label, label, (x - 5.0, y - 8.0, x + 5.0, y + 8.0), height)


def maps(*peaks):
    """Return maps with peaks (row, column, label, probability)."""
    result = np.zeros((MAPS, SIDE // 4, SIDE // 4), np.float32)
    for row, column, label, probability in peaks:
        result[CLASSES.index(label), row, column] = probability
    return result


def evidence(pages, **changes):
    scores = PageScores.from_maps(pages)
    images = tuple(np.full((SIDE, SIDE), 128, np.uint8) for _ in pages)
    return PageResults(
        **{
            "history": history(),
            "card": ModelCard(),
            "scores": scores,
            "images": images,
            "support": np.zeros(len(scores.found), np.float32),
            "remark": "",
        }
        | changes
    )


def history(epochs=3, held_out=True):
    rows = []
    for epoch in range(1, epochs + 1):
        row = {"epoch": float(epoch), "loss": 3 / epoch, "seconds": 2.0}
        if held_out:
            row |= {"val_loss": abs(epoch - 2) + 1.0}
            row |= {f"val_f1_{name}": 0.3 * epoch for name in ("digits", "signs", "other")}
        rows.append(row)
    return rows


FIRST = PageTruth(
    (SIDE, SIDE),
    (glyph("3", 18, 18), glyph("3", 50, 18, 30.0), glyph("1", 50, 50)),
    layout="rows",
    faults=("noise", "glare"),
)
SECOND = PageTruth((SIDE, SIDE), (glyph("-", 18, 18), glyph("7", 50, 50)), layout="words",
                   faults=("noise",))  # fmt: skip
PAGES = [
    (
        maps(
            (4, 4, "3", 0.9),  # right
            (4, 12, "5", 0.6),  # on the other 3
            (12, 12, "1", 0.4),  # right
        ),
        FIRST,
    ),
    (maps((4, 4, "-", 0.8), (12, 4, "2", 0.7), (2, 12, "4", 0.1)), SECOND),
]


@pytest.fixture
def known():
    return evidence(PAGES)


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def draw(name, known):
    figure = Figure()
    next(function for n, _, function, _ in page_gallery.FIGURES if n == name)(figure, known)
    return figure


def plain(text):
    return text.replace(NBSP, " ")


def test_counts_by_layout_fault_class_and_height(known):
    assert known.digits.recall == Share(2, 4)
    assert known.digits.precision == Share(2, 4)
    assert [(g.name, g.pages, g.recall) for g in known.layouts] == [
        ("rows", 1, Share(2, 3)),
        ("words", 1, Share(0, 1)),
    ]
    assert [(g.name, g.pages, g.recall) for g in known.faults] == [
        ("noise", 2, Share(2, 4)),
        ("glare", 1, Share(2, 3)),
    ]
    classes = {group.name: group for group in known.classes}
    assert len(classes) == len(CLASSES)
    assert classes["3"].recall == Share(1, 2)
    assert classes["5"].precision == Share(0, 1)
    assert (classes["minus"].recall, classes["minus"].pages) == (Share(1, 1), 1)
    assert np.isnan(classes["0"].recall.value)
    assert known.heights == [(16.0, 20.0, Share(2, 3)), (28.0, 32.0, Share(0, 1))]


def test_misses_and_inventions_say_what_stands_there(known):
    support = np.array([0.9, 0.02, 0.4, 0.8, 0.01], np.float32)
    known = dataclasses.replace(known, support=support)
    misses = [(cut.truth, cut.said, round(cut.confidence, 2)) for cut in known.misses()]
    assert misses == [("7", "", 0.0), ("3", "5", 0.6)]  # the class with the least support first
    inventions = [(cut.truth, cut.said, round(cut.confidence, 2)) for cut in known.inventions()]
    assert inventions == [("", "2", 0.7), ("3", "5", 0.6)]  # the 4 is below 0.3
    for cut in (*known.misses(), *known.inventions()):
        assert cut.pixels.shape == (page_results.TILE, page_results.TILE)
    words = texts(draw("misses", known))
    assert words == ["7 → none", "no peak", "3 → 5", f"60.0{NBSP}% sure"]
    title = plain(finding(draw("inventions", known)))
    assert title == "The most confident invention: 2 at 70.0 %; no glyph is there"


def test_a_cut_out_has_the_box_in_its_middle():
    image = np.full((100, 80), 100, np.uint8)
    image[40:60, 30:40] = 200
    pixels, box = cut_out(image, np.array([30.0, 40.0, 40.0, 60.0]), 40.0)
    np.testing.assert_allclose(box, [21, 14, 35, 42])
    assert pixels[28, 28] == 255
    assert pixels[28, 10] == 0
    outside, _ = cut_out(image, np.array([-10.0, -10.0, 0.0, 0.0]), 40.0)
    assert outside.shape == pixels.shape


def test_the_figures_mark_the_threshold_of_the_card(known):
    title = plain(finding(draw("thresholds", known)))
    assert title.startswith("At the usual threshold, a confidence of 0.300, 50.0 % of the reported")
    card = ModelCard(refusal={"threshold": 0.65})
    figure = draw("thresholds", dataclasses.replace(known, card=card))
    assert "model's threshold, a confidence of 0.650, 50.0 %" in plain(finding(figure))
    assert "25.0 % of the digits are found" in plain(finding(figure))
    assert "0.650" in texts(figure)
    axes = figure.axes[0]
    precision, recall = axes.lines[:2]
    at = np.asarray(precision.get_xdata())
    assert np.asarray(precision.get_ydata())[at >= 0.65].tolist() == [1.0, 0.5]
    assert np.asarray(recall.get_ydata()).max() == 0.5


def test_the_reliability_counts_digits_and_tells_the_calibration(known):
    bins = known.reliability
    assert bins.count.sum() == 5  # peaks of digits, without the minus
    card = ModelCard(calibration={"n": 9, "error_before": 0.06, "error_after": 0.01})
    title = plain(finding(draw("reliability", dataclasses.replace(known, card=card))))
    assert title.endswith("calibration took it from 6.00 % to 1.00 %")
    assert plain(finding(draw("reliability", known))).endswith("the network was not calibrated")


def test_the_figures_of_groups_name_each_group_and_its_n(known):
    figure = draw("faults", known)
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["noise", "glare"]
    assert texts(figure) == ["4 digits, 2 pages", "3 digits, 1 page"]
    labels = [t.get_text() for t in draw("classes", known).axes[0].get_yticklabels()]
    assert labels == [*DIGIT_CLASSES, "point", "comma", "minus", "slash", "colon", "other"]
    many = evidence([PAGES[0]] * 20 + [PAGES[1]] * 40)
    assert plain(finding(draw("layouts", many))) == (
        "Recall is lowest in the layout words, 0.0 %; precision in the layout words, 0.0 %"
    )
    assert "16 to 20 pixels high 50.0 %" in plain(finding(draw("heights", many)))


def test_the_learning_curves_say_the_f1_and_the_best_epoch():
    figure = Figure()
    draw_page_learning(figure, history())
    title = plain(finding(figure))
    assert "After 3 epochs the F1 on held-out pages is 90.0 % for digits" in title
    assert title.endswith("held-out loss was lowest after epoch 2")
    assert [t.get_text() for t in figure.axes[1].texts] == ["digits", "signs", "other marks"]
    draw_page_learning(bare := Figure(), history(1, held_out=False))
    assert finding(bare) == "After 1 epoch the loss is 3.000; no pages were held out"


@pytest.mark.parametrize(
    "pages",
    [
        [(maps(), PageTruth((SIDE, SIDE), ()))],
        [(maps(), FIRST)],
        [(maps((4, 4, "8", 0.9)), PageTruth((SIDE, SIDE), ()))],
        [(maps((4, 4, "3", 0.9)), PageTruth((SIDE, SIDE), (glyph("3", 18, 18),)))],
    ],
    ids=["nothing", "nothing found", "no digit, one reported", "all right"],
)
def test_every_figure_can_be_drawn_without_digits_or_errors(pages):
    shown = evidence(pages, history=[])
    for name, *_ in page_gallery.FIGURES:
        assert finding(draw(name, shown)), name


def test_the_command_names_what_differs_from_the_recipe():
    recipe = PAGE.but(epochs=2, channels=(8, 8, 8), loss=LossWeights(heat=2.0))
    code = command(recipe, "a/model.keras", "data")
    made = {}

    def train_page(*sources, **options):
        made.update(options, sources=sources)

    scope = {"__name__": "__main__", "train_page": train_page}
    scope["page_sources"] = lambda folder=None: (folder, folder)
    lines = [line for line in code.splitlines() if "page_sources\n" not in line + "\n"]
    exec("\n".join(line for line in lines if "import train_page" not in line), scope)
    assert made == {
        "sources": ("data", "data"),
        "recipe": recipe,
        "start": "a/model.keras",
        "data_dir": "data",
    }
    assert "recipe=PAGE)" in command(PAGE)


def test_importing_the_package_draws_nothing():
    code = (
        "import sys, digitscope.rendering; "
        "print(sorted({'matplotlib', 'cv2', 'sklearn', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


SOURCE = FakePages(side=32, glyphs=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    pytest.importorskip("keras")
    import digitscope.training  # noqa: F401  (Keras without its noise)
    from digitscope.training.page.trainer import train_page

    path = tmp_path_factory.mktemp("runs") / "page-1"
    return train_page(SOURCE, SOURCE, recipe=TINY_PAGE, out=path, workers=0)


def test_a_tiny_run_gets_a_page_and_figures(run):
    page = report(run, held_out=SOURCE)
    assert page == run.report_file
    text = plain(page.read_text(encoding="utf-8"))
    names = [name for name, *_ in page_gallery.FIGURES]
    assert sorted(f.stem for f in (run.path / "figures").iterdir()) == sorted(names)
    for name in names:
        assert f'id="{name}"' in text
    for said in (
        "on 4 held-out pages",
        "synthetic",
        "page_sources",
        "PAGE.but(",
        '<th scope="row">batch size</th><td>4</td>',
        "keras",
        run.record["finished"],
    ):
        assert said in text
    assert not re.search(r"\b(nan|Undefined)\b", re.sub(r"base64,[^\"]*", "", text))
    assert "are not those of the training" not in text


def test_other_pages_than_those_of_the_training_are_remarked_on(run):
    other = dataclasses.replace(SOURCE, glyphs=1)
    known = load_results(run, other)
    assert known.remark.startswith("The held-out pages are not those of the training, because")
    assert "At the end of the training the F1 of digits was" in known.remark
    assert describe(run, known)["remark"] == known.remark
    assert load_results(run, SOURCE).remark == ""
    metrics = run.metrics
    run.write_metrics(metrics | {"f1_digits": 0.9})
    try:
        assert "the generator has changed" in load_results(run, SOURCE).remark
    finally:
        run.write_metrics(metrics)


def test_support_is_the_probability_of_the_true_class(run):
    known = load_results(run, SOURCE)
    assert known.support.shape == known.scores.found.shape
    seen = known.scores.found >= 0
    assert (known.support[seen] > 0).all()
    assert (known.support <= 1).all()


def test_without_a_history_it_is_one_clear_error(tmp_path):
    broken = Run(tmp_path)
    broken.update_record(recipe=TINY_PAGE.to_dict(), data={})
    with pytest.raises(BadRun, match=r"history\.csv cannot be read"):
        report(broken)
