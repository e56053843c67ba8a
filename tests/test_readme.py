"""What the README shows is what runs."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_code_runs_and_draws(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    scope, printed = {}, []
    for block in blocks:
        exec(block, scope)
        printed.append(capsys.readouterr().out)
    assert re.match(r"\{'accuracy': 0\.9[6-9]", printed[0])
    assert len([text for text in printed if text]) == 4
    for text in printed[1:]:
        assert "".join(f"    {line}\n" for line in text.splitlines()) in README
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {
        *("released.svg", "graph.svg", "history.svg", "run.safetensors", "runs", "backprop.html"),
        *("trajectory.png", "landscape.png"),
    }
    lines = [line for line in blocks[0].splitlines() if line and "viz.draw" not in line]
    assert len(lines) <= 15


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(targets) > 10
    for target in targets:
        assert (ROOT / target).exists(), target
