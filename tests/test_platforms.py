"""What other systems than Linux lack."""

import subprocess
import sys

CODE = """
import builtins, importlib, pkgutil
real = builtins.__import__
blocked = {'fcntl', 'resource', 'termios', 'pwd', 'grp'}

def of_windows(name, globals=None, *args, **kwargs):
    if name in blocked and str((globals or {}).get('__name__')).startswith('mmskelseg'):
        raise ModuleNotFoundError(f'{name} is imported by {globals["__name__"]}')
    return real(name, globals, *args, **kwargs)

builtins.__import__ = of_windows
import mmskelseg.apis
for module in pkgutil.walk_packages(mmskelseg.__path__, 'mmskelseg.'):
    if '.stand_ins.' not in module.name:
        importlib.import_module(module.name)
"""


def test_package_imports_without_modules_of_posix():
    """Windows has no fcntl, of which other packages take care themselves."""
    subprocess.run([sys.executable, '-c', CODE], check=True)
