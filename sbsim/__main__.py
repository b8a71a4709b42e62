"""`python -m sbsim` is the command `sbsim`."""

from sbsim.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
