"""The engine of lesson texts: what a template gives, and how its mistakes are found."""

from types import SimpleNamespace

import jinja2
import pytest
from matplotlib.figure import Figure

from digitscope.lessons import text
from digitscope.lessons.content import Check, Exercise, Facts, Formula, Table

TEMPLATE = r"""# A title

A question
of two lines?

{% call experiment() %}
{{ settings.units }} units.
{% endcall %}
{% call figure("curve") %}Look at the end.{% endcall %}
{% call table("sizes") %}Sizes, %{% endcall %}
{% call finding() %}It is {{ short(least) }}.{% endcall %}
{% call seen() %}
First line{% if least > 1 %} of much{% endif %}
goes on
{% call check(least < 1) %}
{{ least }} is below
1
{% endcall %}
{% if least < 1 %}
Same paragraph
{% endif %}
. Its end.

Second paragraph.
{% endcall %}
{% call formula() %}In words: $$ \frac{1}{n}
+ x $$ and more.{% endcall %}
{% call exercise("rate=0.1", "epochs=2") %}Try.{% endcall %}
{% call sources() %}
- One,
  1998
- Two
{% endcall %}
"""


def facts(**changes):
    content: dict = {
        "values": {"least": 0.5},
        "tables": {"sizes": [("size", "n"), ("small", "1")]},
        "figures": {"curve": Figure()},
    }
    return Facts(**content | changes)


@pytest.fixture
def filled(monkeypatch):
    """Return a function that fills a template with facts."""

    def fill(template=TEMPLATE, given=None):
        loader = jinja2.DictLoader({"lesson.md.j2": template})
        monkeypatch.setattr(text._environment(), "loader", loader)
        return text.fill("lesson", given or facts(), SimpleNamespace(units=8))

    return fill


def test_a_template_becomes_plain_values(filled):
    told = filled()
    assert text.heading("lesson") == ("A title", "A question of two lines?")
    assert told.experiment == "8 units."
    assert [(f.name, f.reading) for f in told.figures] == [("curve", "Look at the end.")]
    assert told.tables == (Table("Sizes, %", ("size", "n"), (("small", "1"),)),)
    assert told.finding == "It is 0.5."
    assert told.checks == (Check("0.5 is below 1", True),)
    assert told.formulas == (Formula(r"\frac{1}{n} + x", "In words: and more."),)
    assert told.exercises == (Exercise("Try.", ("rate=0.1", "epochs=2")),)
    assert told.sources == ("One, 1998", "Two")


@pytest.mark.parametrize(
    ("least", "first"),
    [
        (0.5, "First line goes on Same paragraph. Its end."),
        (2, "First line of much goes on. Its end."),
    ],
)
def test_tags_neither_join_words_nor_end_paragraphs(least, first, filled):
    told = filled(given=facts(values={"least": least}))
    assert told.seen.split("\n\n") == [first, "Second paragraph."]
    assert told.checks[0].holds == (least < 1)


def test_a_space_that_does_not_break_is_kept(filled):
    told = filled(TEMPLATE.replace("{{ settings.units }}", "8\u00a0\n %"))
    assert told.experiment == "8\u00a0 % units."


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("short(least)", "short(most)", "'most' is undefined"),
        ("settings.units", "settings.layers", "no attribute 'layers'"),
        ('figure("curve")', 'figure("curves")', "must be one of curve. Received: 'curves'"),
        ("Second paragraph.\n{% endcall %}", "{% endcall %}\nLost.", "outside of blocks.*Lost"),
        ("call finding", "call seen", "one block 'seen'"),
        ("call finding", "call exercise", r"must be \['experiment', 'finding', 'seen'\]"),
        ("$$ and", "and", r"between two \$\$"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_template_is_an_error(old, new, message, filled):
    assert old in TEMPLATE
    with pytest.raises((ValueError, jinja2.UndefinedError), match=message):
        filled(TEMPLATE.replace(old, new))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": {"least": 1, "most": 2}}, "values in use must be"),
        ({"values": {"least": 1, "short": 2}}, "names of functions.*'short'"),
        ({"figures": {"curve": Figure(), "map": Figure()}}, "figures in use must be"),
        ({"tables": {"sizes": [("a",)], "rates": [("a",)]}}, "tables in use must be"),
    ],
)
def test_a_fact_that_no_text_uses_is_an_error(changes, message, filled):
    with pytest.raises(ValueError, match=message):
        filled(given=facts(**changes))
