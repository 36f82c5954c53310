"""Charts are inline SVG that nothing in the data can turn into markup."""

from decimal import Decimal
from xml.etree import ElementTree

from orchestration.reporting import charts

HOSTILE = "</text><script>alert(1)</script>$\\frac{1}{0}$&\x00\x1b"
D = Decimal


def weekly(*weeks: charts.RatedWeek, name: str = "x", title: str = "t", bar_label=str) -> str:
    return charts.weekly_rate(weeks, bar_label=bar_label, title=title, name=name, tick=str)


def drawn(label: str) -> str:
    return weekly(charts.RatedWeek(label, 0.001, 0.002), title=label, bar_label=lambda _: label)


def test_labels_of_the_data_stay_text():
    drawing = drawn(HOSTILE)
    root = ElementTree.fromstring(drawing)
    assert not [node for node in root.iter() if node.tag.endswith("script")]
    assert any("<script>" in (node.text or "") for node in root.iter("text"))
    assert "\x00" not in drawing


def test_a_drawing_follows_the_theme_and_loads_nothing():
    drawing = drawn("crm")
    assert "var(--alarm)" in drawing
    assert "http" not in drawing
    assert "<metadata" not in drawing
    assert not any(colour in drawing for colour in charts._ROLES.values())


def test_the_same_figures_give_the_same_bytes():
    assert drawn("crm") == drawn("crm")


def test_ids_of_two_drawings_on_a_page_do_not_meet():
    one = weekly(charts.RatedWeek("w", 0.001, 0.002), name="one")
    two = weekly(charts.RatedWeek("w", 0.003, 0.002, is_breach=True), name="two")
    first, second = ({node.get("id") for node in ElementTree.fromstring(text).iter()} for text in (one, two))
    assert first & second == {None}


def test_small_movements_beside_a_large_opening_stay_visible():
    steps = [("o", D(400_000), ""), ("n", D(9_000), ""), ("c", D(-5_000), ""), ("z", D(404_000), "")]
    assert "var(--gain)" in charts.bridge(steps, title="t", name="m")


def test_charts_of_nothing_are_drawn_without_an_error():
    nothing = [("o", D(0), "0")] * 4
    assert charts.bridge(nothing, title="t", name="m")
    assert charts.stacked_months([("m", 0.0, 0.0)], title="t", name="r", tick=str)
    assert weekly(charts.RatedWeek("w", 0.0)) and weekly(charts.RatedWeek("w", None))


def test_a_bar_that_changed_is_drawn_over_the_weeks_it_held():
    def texts(drawing: str) -> list[str]:
        return [node.text or "" for node in ElementTree.fromstring(drawing).iter("text")]

    before, since = charts.RatedWeek("a", 0.001, 0.002), charts.RatedWeek("b", 0.001, 0.0005, is_breach=True)
    changed = weekly(before, before, since, bar_label=lambda bar: f"bar {bar}")
    assert [text for text in texts(changed) if text.startswith("bar")] == ["bar 0.002", "bar 0.0005"]
    back = weekly(before, since, before, bar_label=lambda bar: f"bar {bar}")
    assert [text for text in texts(back) if text.startswith("bar")] == [
        "bar 0.002",
        "bar 0.0005",
        "bar 0.002",
    ]
    same = weekly(before, before, bar_label=lambda bar: f"bar {bar}")
    assert [text for text in texts(same) if text.startswith("bar")] == ["bar 0.002"]


def test_a_sparkline_shows_gaps_as_gaps():
    drawing = charts.sparkline([D(1), D(2), None, D(3), None])
    assert drawing.count("<polyline") == 1
    assert drawing.count('class="lone"') == 1
    assert 'class="last"' not in drawing
    assert charts.sparkline([None, None]) == ""


def test_ticks_are_round_and_start_at_zero():
    assert charts.round_ticks(1.31) == [0.0, 0.5, 1.0]
    assert charts.round_ticks(0.0) == [0.0]
