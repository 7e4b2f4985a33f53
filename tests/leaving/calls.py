"""What the dialogs call: one gives back what it got, the other raises it."""


def step(value):
    return value


def fail(value):
    raise ValueError(value)
