"""The tables: what a reader sees of ratios, void rows and missing contenders."""

from benchmarks import report
from benchmarks.rows import Entry, Row


def make_row(loss=0.5, torch=None):
    entries = {
        "backprop_xp": Entry([2e-5], [0.5], [""]),
        "numpy": Entry([4e-5], [loss], [""]),
        "torch": torch or Entry([8e-5], [0.5], ["fused, 1 thread"]),
        "jax-scan": Entry([1e-5], [0.5], [""]),
        "floor-numpy": Entry([1e-5], [], [""]),
    }
    return Row("2-4-1", "adam", entries)


def last_line(table):
    return [cell.strip() for cell in table.splitlines()[-1].strip("|").split("|")]


def test_ratio_table_puts_floor_and_scan_last():
    table = report.ratio_table([make_row()])
    header = [cell.strip() for cell in table.splitlines()[0].strip("|").split("|")]
    assert header == ["network", "ours, µs", "numpy", "torch", "floor", "jax-scan"]
    assert last_line(table) == ["2-4-1 adam", "20.0", "0.50", "0.25", "2.00 (numpy)", "2.00"]


def test_void_row_shows_no_ratio():
    assert last_line(report.ratio_table([make_row(loss=0.6)]))[2:] == ["void"] * 4


def test_missing_contender_keeps_its_column_and_its_reason():
    gone = make_row(torch=Entry(missing="ModuleNotFoundError: No module named 'torch'"))
    assert last_line(report.ratio_table([gone]))[3] == "missing"
    assert "- torch: ModuleNotFoundError" in report.missing_list([gone])


def test_missing_backprop_xp_still_gives_the_others_times():
    row = make_row()
    row.entries["backprop_xp"] = Entry(missing="ImportError: gone")
    assert last_line(report.ratio_table([row]))[1:3] == ["missing", "\u2013"]
    assert "40.0 (40.0 … 40.0)" in report.time_table([row])


def test_loss_table_names_the_stray():
    assert last_line(report.loss_table([make_row(loss=0.6)]))[-1] == "void: numpy"


def test_choices_list_the_variants():
    assert "- torch: 2-4-1 adam: fused, 1 thread" in report.choices([make_row()])


def test_memory_table_shows_what_is_beyond_the_accounted_arrays():
    mib = 2**20
    memory = {"a": {"peak": 5 * mib, "accounted": 3 * mib, "extra": 2 * mib}}
    assert last_line(report.memory_table(memory)) == ["a", "5.00", "3.00", "2.00"]
    assert report.extra_mib(memory | {"b": {"missing": "gone"}})["a"] == 2.0
