"""The examples of docs/pipeline.md compile without a finding."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alloy_agent.config.folder import compile_folder

GUIDE = Path(__file__).parents[3] / "docs" / "pipeline.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_nothing_is_found_when_an_example_of_the_guide_is_checked(number: int, config: Path) -> None:
    example = EXAMPLES[number]
    for name in ("oven", "rate"):  # a transform is not read here
        (config / "transforms" / f"{name}.py").write_text("PARAMS = {}\n")
    device = example.startswith("# agent.yaml")
    (config / ("agent.yaml" if device else "pipelines/example.yaml")).write_text(example)

    document = compile_folder(config)

    assert [problem for problem in document.problems if problem.severity == "error"] == []
    assert len(document.pipelines) == (0 if device else 1)
