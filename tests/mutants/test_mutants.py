"""The pieces of ``make mutants``: what is mutated, in which order tests are tried, and what counts as explained."""

from collections import Counter

import pytest
from cosmic_ray.mutating import mutate_code

from tests.mutants import report
from tests.mutants.children import HANGS, in_child
from tests.mutants.mutations import Mutation, mutations, operator_named
from tests.mutants.reach import Reach, blocks_around
from tests.mutants.trial import KILLED, SURVIVED, Result, changed_lines

NOT_CODE = '''
def bare(x: int | None = None, *, y: "int" | str) -> int | None: """Return 1."""
z: dict[str, int] | None = {**bare(*[], **{})}
if TYPE_CHECKING:
    z = 1 + 1
@overload
def stub(x=1): ...
class Box:
    @property
    def size(self): return zip((), strict=True)
'''


def diffs(source, operator, tmp_path):
    """Return what an operator makes of each place of a source, as lines that differ."""
    path = tmp_path / "module.py"
    path.write_text(source)
    found = mutations(str(path), [operator], ["overload", "property"])
    return [changed_lines(source, mutate_code(source, operator_named(operator), m.occurrence)) for m in found]


@pytest.mark.parametrize(
    "operator",
    [
        "ReplaceBinaryOperator_BitOr_BitAnd",
        "ReplaceBinaryOperator_Mul_Div",
        "ReplaceBinaryOperator_Pow_Mul",
        "ReplaceBinaryOperator_Add_Sub",
        "NumberReplacer",
        "AddNot",
        "RemoveDecorator",
        "ReplaceTrueWithFalse",
    ],
)
def test_annotations_stubs_and_guards_are_not_mutated(operator, tmp_path):
    assert diffs(NOT_CODE, operator, tmp_path) == []


@pytest.mark.parametrize(
    ("source", "operator", "expected"),
    [
        ("x = a | b", "ReplaceBinaryOperator_BitOr_BitAnd", ["-x = a | b\n+x = a & b"]),
        ("def f(x: int | str = 1 | 2): ...", "ReplaceBinaryOperator_BitOr_BitAnd", ["1 & 2"]),
        ("z: int | str = 1 + 2", "ReplaceBinaryOperator_Add_Sub", ["1 - 2"]),
        ("f = lambda x=2: x * 3", "NumberReplacer", ["x= 3", "x= 1", "x * 4", "x * 2"]),
        ("x += 1", "ReplaceAugmentedAssignment", ["x -= 1"]),
        ("@f\ndef g(): return a @ b", "ReplaceMatrixProduct", ["a * b"]),
        ("x = a in b, c not in d", "NegateMembership", ["a not in b, c not in d", "a in b, c  in d"]),
        ("for x in y: pass", "NegateMembership", []),
        ("f(1)\nx = f(2)\nf.a[1]", "RemoveStatement", ["-f(1)\n+pass"]),
        ("if x: raise\nelse:\n    raise E(1)\n", "RemoveStatement", ["if x: pass", "-    raise E(1)\n+    pass"]),
        ("if a: b\nif not a: b\nif a == 1: b", "AddNot", ["if not a: b"]),
        ("@property\n@cache\ndef f(): ...", "RemoveDecorator", ["-@cache"]),
    ],
)
def test_an_operator_changes_code(source, operator, expected, tmp_path):
    found = diffs(source, operator, tmp_path)
    assert len(found) == len(expected)
    for diff, part in zip(found, expected, strict=True):
        assert part in diff


def test_a_mutation_knows_the_function_that_it_is_in(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("class A:\n    def f(self):\n        return lambda: 1\nx = 1\n")
    found = mutations(str(path), ["NumberReplacer"], [])
    assert [(m.function, m.line) for m in found] == [("A.f", 3), ("A.f", 3), ("", 4), ("", 4)]


def test_a_line_that_runs_at_import_alone_belongs_to_the_block_around_it():
    source = "@d\ndef f(\n    x=1,\n):\n    return (\n        x\n    )\n"
    assert blocks_around(source, 6) == [(5, 7), (1, 7), (1, 7)]
    assert blocks_around(source, 3)[0] == (1, 7)


@pytest.fixture
def reach():
    made = Reach({})
    made.collecting = {"a": 0.1, "b": 0.2, "slow": 9.0}
    made.seconds = {"a::1": 1.0, "a::2": 0.1, "b::1": 0.5, "slow::1": 0.1, "a::3": 50.0}
    return made


def test_each_file_has_its_turn_and_slow_ones_come_last(reach):
    assert reach.stages(reach.seconds, [], 3, 100) == [["a::2", "b::1", "a::1"], ["slow::1", "a::3"]]


def test_a_modules_own_tests_come_before_all_others(reach):
    assert reach.stages(reach.seconds, ["b"], 2, 100) == [["b::1", "a::2"], ["slow::1", "a::1", "a::3"]]


def test_tests_beyond_the_time_are_left_out(reach):
    assert reach.stages(reach.seconds, [], 2, 5) == [["a::2", "b::1"], ["a::1"]]


def hang():
    while True:
        pass


@pytest.mark.parametrize(
    ("work", "status"), [(lambda: 0, 0), (lambda: 5, 5), (hang, HANGS), (lambda: bytearray(2**34) and 0, 70)]
)
def test_a_child_reports_its_status_and_is_ended_at_its_limits(work, status, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert in_child(work, 1, 8) == status


DIFF = "-    x = 1\n+    x =  2"
ENTRY = f"### minigrad/a.py, `A.f`\n\n```diff\n{DIFF}\n```\n"


def result(outcome=SURVIVED):
    return Result(Mutation("minigrad/a.py", "A.f", "NumberReplacer", 0, 1), "", outcome, DIFF, 1, 1.0, "")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("# Survivors\n", 2),
        (f"{ENTRY}\nThe same in every dtype.\n", 1),
        (f"{ENTRY}\n```diff\n-x = 1\n+x =  2\n```\n\nThe same.\n\n### minigrad/b.py\n", 0),
        (f"{ENTRY}\n<!-- line 1 -->\n\n## Next\nwords\n", 2),
        (ENTRY.replace("A.f", "A.g") + "\nThe same.\n", 2),
    ],
)
def test_a_survivor_is_explained_by_words_below_its_diff(text, left):
    results = [result(), result(), result(KILLED)]
    assert len(report.unexplained(results, report.explanations(text))) == left


def test_the_listing_of_survivors_can_be_explained_as_it_stands():
    text = report.listing([result()])
    assert not report.explanations(text)
    assert report.explanations(text + "\nThe same in every dtype.\n") == Counter([report.key_of(result())])
