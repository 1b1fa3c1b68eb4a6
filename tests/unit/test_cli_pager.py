"""Paging: nothing is lost between the pages, and no page is higher than the screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sbcsim.cli.pager import Page, Pager

LINES = st.lists(st.text("ab ", max_size=30), max_size=40)
PAGES = st.builds(Page, st.integers(1, 12), st.integers(0, 12))


def rows(lines: list[str], page: Page) -> int:
    return sum(max(-(-len(line) // page.columns), 1) if page.columns else 1 for line in lines)


@given(lines=LINES, pages=st.lists(st.tuples(st.sampled_from(" \r\n"), PAGES | st.none()), max_size=8), first=PAGES)
def test_nothing_is_lost_whatever_the_screen_becomes(
    lines: list[str], pages: list[tuple[str, Page | None]], first: Page
) -> None:
    pager = Pager()
    seen = pager.begin(lines, "end", first)
    assert pager.waiting or seen == [*lines, "end"]
    assert not pager.waiting or rows(seen, first) <= first.rows or len(seen) == 1
    for key, page in pages:
        if not pager.waiting:
            break
        shown = pager.more(key, page)
        assert shown
        if page is not None and key == " ":
            assert rows(shown, page) <= page.rows or len(shown) == 1
        seen += shown
    if pager.waiting:
        seen += pager.more(" ", None) or []
    assert seen == [*lines, "end"]


def test_a_page_holds_as_many_lines_as_fit() -> None:
    pager = Pager()
    assert pager.begin(list("abcdef"), "end", Page(3)) == list("abc")
    assert pager.more("\r", Page(3)) == ["d"]
    assert pager.more("x", Page(3)) is None
    assert pager.more(" ", Page(3)) == ["e", "f", "end"]
    assert not pager.waiting


def test_long_lines_take_the_rows_they_need() -> None:
    pager = Pager()
    assert pager.begin(["a" * 21, "b", "c", "d"], "end", Page(4, 10)) == ["a" * 21, "b"]
    assert pager.more(" ", Page(4, 10)) == ["c", "d", "end"]


def test_output_that_just_fits_has_no_pages() -> None:
    pager = Pager()
    assert pager.begin(["a", "b"], "end", Page(2)) == ["a", "b", "end"]
    assert not pager.waiting


def test_q_leaves_the_rest_out_but_not_the_end() -> None:
    pager = Pager()
    pager.begin(list("abcdef"), "end", Page(2))
    assert pager.more("q", Page(2)) == ["end"]
    assert not pager.waiting
