"""What belongs to rows is read once for all that were read together."""

from api.pages import Page, PagedRow, page_of


def test_what_one_row_asks_for_is_read_for_its_whole_page_once():
    rows, calls = [PagedRow(), PagedRow()], []
    page = Page(rows)
    for row in rows:
        row.api_page = page

    def count(asked: list) -> int:
        calls.append(asked)
        return len(asked)

    assert [page_of(row).find("count", count) for row in rows] == [2, 2]
    assert page_of(rows[0]).find("another", count) == 2
    assert calls == [rows, rows]


def test_row_that_was_read_alone_is_a_page_of_its_own():
    row, other = PagedRow(), PagedRow()
    assert page_of(row).rows == [row]
    assert page_of(row) is page_of(row)
    assert page_of(other) is not page_of(row)
