"""Convert the public UW-IOM release, as `mmskelseg convert uwiom` does."""

from mmskelseg.datasets.converters.uwiom import main

if __name__ == '__main__':
    main()
