"""`python -m trainadvisor` is the command `trainadvisor`."""

from trainadvisor.cli import main

if __name__ == "__main__":
    main()
