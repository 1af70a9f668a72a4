"""Convert Desktop Assembly, as `mmskelseg convert desktop_assembly` does."""

from mmskelseg.converters.desktop_assembly import main

if __name__ == '__main__':
    main(prog='python tools/dataset_converters/desktop_assembly.py')
