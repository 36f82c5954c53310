"""Charts are inline SVG that nothing in the data can turn into markup."""

from decimal import Decimal
from xml.etree import ElementTree

from orchestration.reporting import charts

HOSTILE = "</text><script>alert(1)</script>$\\frac{1}{0}$&\x00\x1b"
D = Decimal


def drawn(label: str) -> str:
    return charts.weekly_rate([(label, 0.001)], 0.002, bar_label=label, title=label, name="x", tick=str)


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
    one = charts.weekly_rate([("w", 0.001)], 0.002, bar_label="bar", title="t", name="one", tick=str)
    two = charts.weekly_rate([("w", 0.003)], 0.002, bar_label="bar", title="t", name="two", tick=str)
    first, second = ({node.get("id") for node in ElementTree.fromstring(text).iter()} for text in (one, two))
    assert first & second == {None}


def test_small_movements_beside_a_large_opening_stay_visible():
    steps = [("o", D(400_000), ""), ("n", D(9_000), ""), ("c", D(-5_000), ""), ("z", D(404_000), "")]
    assert "var(--gain)" in charts.bridge(steps, title="t", name="m")


def test_charts_of_nothing_are_drawn_without_an_error():
    nothing = [("o", D(0), "0")] * 4
    assert charts.bridge(nothing, title="t", name="m")
    assert charts.stacked_months([("m", 0.0, 0.0)], title="t", name="r", tick=str)
    assert charts.weekly_rate([("w", 0.0)], 0.002, bar_label="", title="t", name="c", tick=str)


def test_a_sparkline_shows_gaps_as_gaps():
    drawing = charts.sparkline([D(1), D(2), None, D(3), None])
    assert drawing.count("<polyline") == 1
    assert drawing.count('class="lone"') == 1
    assert 'class="last"' not in drawing
    assert charts.sparkline([None, None]) == ""


def test_ticks_are_round_and_start_at_zero():
    assert charts.round_ticks(1.31) == [0.0, 0.5, 1.0]
    assert charts.round_ticks(0.0) == [0.0]
