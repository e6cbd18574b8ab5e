"""`python -m mirabench`."""

from mirabench.cli.main import main

main()
