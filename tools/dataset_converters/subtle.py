"""Convert the mice of SUBTLE, as `mmskelseg convert subtle` does."""

from mmskelseg.converters.subtle import main

if __name__ == '__main__':
    main(prog='python tools/dataset_converters/subtle.py')
