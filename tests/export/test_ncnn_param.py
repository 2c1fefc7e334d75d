"""NCNN's parameter text is read, renamed and written without losing anything."""

import pytest

from edgewright_export.ncnn_param import Layer, drop_defaults, parse_param, rename_blobs, write_param
from edgewright_train.errors import CheckError

TEXT = """7767517
3 4
Input in0 0 1 in0
Convolution c 1 1 in0 1 0=8 1=3 11=3 12=1 13=2 14=1 2=1 3=2 4=1 5=1 6=216 9=1
Slice s 1 2 1 2 out0 -23300=2,-233,-233 1=0
"""


def test_reading_and_writing_gives_the_text_back() -> None:
    assert write_param(parse_param(TEXT)) == TEXT


def test_renaming_reaches_producers_and_consumers() -> None:
    text = write_param(rename_blobs(parse_param(TEXT), {"in0": "image", "out0": "stride16"}))
    assert "Input in0 0 1 image\nConvolution c 1 1 image 1 " in text
    assert "Slice s 1 2 1 2 stride16 " in text


def test_columns_are_those_of_ncnns_own_tools() -> None:
    lines = write_param(parse_param(TEXT), column_width=24).splitlines()
    assert lines[2] == "Input                    in0                      0 1 in0"
    assert write_param(parse_param("\n".join(lines))) == TEXT


def test_keys_are_set_in_order_and_others_left_as_they_are() -> None:
    line = "7767517\n1 1\nConvolution c 1 1 a b 0=8 9=6 -23310=2,0.1666667,0.5 77=x,y\n"
    changed = parse_param(line)[0].with_params({8: "102", 31: "64", 0: "9"})
    assert changed.line() == "Convolution c 1 1 a b 0=9 8=102 9=6 -23310=2,0.1666667,0.5 31=64 77=x,y"


@pytest.mark.parametrize(("names", "message"), [({"in0": "2"}, "exists already"), ({"nope": "x"}, "no blob 'nope'")])
def test_renaming_refuses_names_that_clash_or_do_not_exist(names: dict[str, str], message: str) -> None:
    with pytest.raises(CheckError, match=message):
        rename_blobs(parse_param(TEXT), names)


def test_only_what_ncnn_assumes_anyway_is_dropped() -> None:
    convolution = parse_param(TEXT)[1]
    assert drop_defaults(convolution).params == {0: "8", 1: "3", 3: "2", 4: "1", 5: "1", 6: "216", 9: "1"}


def test_sides_that_differ_are_kept() -> None:
    params = {0: "8", 1: "3", 11: "5", 4: "1", 14: "2", 15: "0", 16: "3", 3: "2", 13: "1"}
    assert drop_defaults(Layer("Convolution", "c", ("a",), ("b",), params)).params == params


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1"),
        ("7767517\n9 4\n" + TEXT.split("\n", 2)[2], "9 layers announced, 3 found"),
        (TEXT.replace("1 2 1 2 out0", "1 9 1 2 out0"), "line 5"),
        (TEXT.replace("9=1", "nine=1"), "line 4"),
        (TEXT.replace("9=1", "9=1 9=2"), "line 4"),
    ],
)
def test_text_that_is_not_ncnns_names_the_line(text: str, message: str) -> None:
    with pytest.raises(CheckError, match=message):
        parse_param(text)
