"""Convert TUM-Kitchen, as `mmskelseg convert tum_kitchen` does."""

from mmskelseg.converters.tum_kitchen import main

if __name__ == '__main__':
    main()
