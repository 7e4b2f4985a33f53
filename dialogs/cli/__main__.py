"""`python -m dialogs.cli`: the `dialogs` command."""

from dialogs.cli import main

main()
