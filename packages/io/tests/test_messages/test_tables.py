from mmskelseg_io.messages.tables import markdown_table, text_table

ROWS = [['', 'AP', 'frames'], ['walk', '9.50', '7'], ['x', '100.00', '12345']]


def test_text_table_sets_numbers_under_each_other():
    """The first column starts at the left, the others end at the right."""
    assert text_table(ROWS) == [
        '          AP  frames',
        'walk    9.50       7',
        'x     100.00   12345',
    ]


def test_columns_set_to_the_left_are_chosen():
    """By their number, also from the end."""
    assert text_table(ROWS, left=(0, -1)) == [
        '          AP  frames',
        'walk    9.50  7',
        'x     100.00  12345',
    ]


def test_markdown_table_aligns_when_rendered_and_as_text():
    """A colon in the rule sets a column to the right."""
    assert markdown_table(ROWS, left=(0, -1)) == [
        '|      |     AP | frames |',
        '|------|-------:|--------|',
        '| walk |   9.50 | 7      |',
        '| x    | 100.00 | 12345  |',
    ]
