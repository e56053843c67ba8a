"""Newton's method reads values to go on with, so a compiled step with it runs as it is written."""

from typing import Any

from minigrad import nn, optim
from tests.replay.worlds import World, regression, warned


def test_a_compiled_step_runs_as_it_is_written_and_is_right():
    def build() -> World:
        model = nn.Linear(5, 3)
        optimizer = optim.Newton(model.parameters(), damping=0.1)

        def train_step(X: Any, y: Any) -> Any:
            return optimizer.step(lambda: nn.functional.mse_loss(model(X), y))

        return World(train_step, model, optimizer)

    warned(build, regression(8), "it reads values to go on with")
