"""Full-width punctuation where it touches Chinese, nowhere else."""

import pytest

from cs_portal.runtime.chinese_marks import chinese_marks


@pytest.mark.parametrize(
    ("typed", "set_right"),
    [
        ("\u60a8\u597d, \u8bf7\u7a0d\u7b49", "\u60a8\u597d\uff0c\u8bf7\u7a0d\u7b49"),
        ("\u786e\u5b9a\u5417?", "\u786e\u5b9a\u5417\uff1f"),
        ("\u5ba2\u6237(\u91d1\u5361)", "\u5ba2\u6237\uff08\u91d1\u5361\uff09"),
        ("\u7b2c %(n)s \u884c: %(reason)s", "\u7b2c %(n)s \u884c\uff1a%(reason)s"),
        ("Ctrl C, then V", "Ctrl C, then V"),
        ("\u89c1 https://example.com/?a=1,2", "\u89c1 https://example.com/?a=1,2"),
        ("1,299.00 \u5143", "1,299.00 \u5143"),
    ],
)
def test_marks(typed: str, set_right: str) -> None:
    assert chinese_marks(typed) == set_right
    assert chinese_marks(set_right) == set_right
