"""Changed programs: repeatable, and none that does not end."""

from __future__ import annotations

from tests.transforms.programs.changes import changed, ends
from tests.transforms.programs.program import written

ENDLESS = (
    'INPUT = {"n": "int"}\nOUTPUT = {"v": {"type": "i64"}}\n\n\n'
    'def transform(n: int) -> dict:\n    while n > 3:\n        n = n | 4\n    return {"v": n}\n'
)


def test_a_changed_program_is_the_same_when_a_seed_is_used_again() -> None:
    made = [changed(seed) for seed in range(8)]

    assert [p and p.source for p in made] == [p and p.source for p in map(changed, range(8))]
    assert any(made)


def test_a_program_ends_when_no_input_keeps_it_in_a_loop() -> None:
    code = compile(ENDLESS, "t.py", "exec")

    assert ends(written(ENDLESS, [[1], [3]]), code)
    assert not ends(written(ENDLESS, [[1], [9]]), code)
