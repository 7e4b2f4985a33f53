"""A table at a restaurant, as states: `steps.json` names them."""

from pathlib import Path

from dialogs.workflows import StateSteps

steps = StateSteps(initial="start")
steps.register_from_json(
    Path(__file__).with_name("steps.json"),
    modules=["examples.state_steps.restaurant"],  # what the file's author may call
)

table = steps.dialog(name="table")
