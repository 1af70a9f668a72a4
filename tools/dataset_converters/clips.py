"""The command of this name; `--help` says what it does."""

from mmskelseg_io.jobs import script

if __name__ == '__main__':
    script(__file__)
