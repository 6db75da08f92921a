"""Does the installed library work with the newest releases that its requirements allow? `make test-newest` asks.

nbdev 2 holds fastai back in `.venv`; a user who installs only the wheel gets newer ones. This builds the wheel,
installs it with the newest of everything into `.venv-newest` (2 to 3 minutes the first time), and runs there: the
import of every module, the tests of every library notebook, every experiment in the `smoke` preset.
"""
import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import install
from common import ROOT, notebooks, run, snapshot
from test import IMPORT_ALL, Results, build, run_all

VERSIONS = '''
from importlib.metadata import version
print(', '.join(f'{name} {version(name)}' for name in ('fastai', 'fastcore', 'torch', 'numpy', 'pandas', 'scikit-image')))
'''


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--venv', type=Path, default=ROOT / '.venv-newest', help='environment to use')
    venv, results, start = parser.parse_args().venv.resolve(), Results(), time.time()
    os.environ['JUPYTER_PREFER_ENV_PATH'] = '1'
    python = install.python(venv)
    with tempfile.TemporaryDirectory(prefix='pssr-newest-') as tmp:
        tmp = Path(tmp).resolve()
        wheel, problem = build(tmp)
        if problem: sys.exit(problem)
        if not install.version(venv): install.create(venv)
        install.pip(venv, '--upgrade', '--upgrade-strategy', 'eager', str(wheel))
        install.pip(venv, '--force-reinstall', '--no-deps', str(wheel))
        _, versions = run([python, '-c', VERSIONS], tmp, {'PYTHONPATH': None})
        print(versions.strip(), flush=True)
        def imports():
            ok, out = run([python, '-c', IMPORT_ALL], tmp, {'PYTHONPATH': None})
            return '' if ok else out
        results.timed('every module imports', imports)
        root = snapshot(tmp / 'copy')
        shutil.rmtree(root / 'pssr')  # nothing but the installed package may be imported
        command = [python, ROOT / 'tools' / 'notebooks.py', '--dry']
        for kind, word in (('library', 'notebook'), ('experiments', 'experiment')):
            env = {'PYTHONPATH': None, 'PSSR_PRESET': 'smoke', 'PSSR_RESULTS': str(tmp / 'results')}
            run_all(results, word, root, notebooks(root, kind), command, env, 1800)
    print(f'\n{time.time() - start:.0f} s in all\n{results.closing()}')
    return bool(results.failed)


if __name__ == '__main__': sys.exit(main())
