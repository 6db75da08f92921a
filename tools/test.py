"""Everything that must hold before a change is shared; `make test` runs it.

    python tools/test.py                    all steps
    python tools/test.py --only notebooks   one step: lint, outputs, sync, notebooks, experiments, wheel

Tests run in a copy of the working tree, so they leave no trace in it. The last line is `N passed, M failed`.
"""
import argparse
import json
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sync
from common import BIN, ROOT, files, notebooks, run, snapshot, stop

WORKERS = min(2, os.cpu_count() or 1)
ONE_THREAD = {'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1', 'OPENBLAS_NUM_THREADS': '1'}


class Results:
    "Counts what passed, and prints every result as it comes."
    def __init__(self): self.passed, self.failed, self.skipped = [], [], []

    def add(self, name, ok, seconds, message=''):
        (self.passed if ok else self.failed).append(name)
        print(f'{"ok    " if ok else "FAILED"} {name}  {seconds:.1f} s', flush=True)
        if not ok: print('\n' + re.sub(r'\x1b\[[0-9;]*m', '', message).strip() + '\n', flush=True)

    def timed(self, name, action):
        "Run `action`, which returns an error message or ''."
        start = time.time()
        message = action()
        self.add(name, not message, time.time() - start, message)

    def closing(self):
        skipped = f', {len(self.skipped)} skipped' if self.skipped else ''
        return f'{len(self.passed)} passed, {len(self.failed)} failed{skipped}'


def lint(results, tmp):
    "The exported modules and the tools, with ruff."
    def check():
        ok, out = run([BIN / 'ruff', 'check', '--no-cache', '--output-format', 'concise', 'pssr', 'tools', 'setup.py'], ROOT)
        return '' if ok else out
    results.timed('lint: ruff', check)


PLACES = [str(p) for p in (ROOT, Path.home(), Path(os.environ.get('PSSR_DATA') or ROOT)) if len(p.parts) > 1]
LEAKS = re.compile('|'.join([r'/(home|Users|root|tmp)/[\w.-]+', r'[A-Z]:\\+Users', 'Traceback', r'\b(?!PSSR)\w+Warning: ',
                             *map(re.escape, PLACES)]))


def outputs(results, tmp):
    "Outputs that are kept in notebooks tell neither where they were made nor what other libraries complain about."
    def check():
        found = []
        for path in (p for p in files() if p.suffix == '.ipynb'):
            for cell in json.loads((ROOT / path).read_text(encoding='utf-8'))['cells']:
                for out in cell.get('outputs', []):
                    if out['output_type'] == 'error': found.append(f'{path}: an error')
                    texts = [out.get('text', ''), *(v for k, v in out.get('data', {}).items() if k.startswith('text'))]
                    found += [f'{path}: {m[0]}' for t in texts for m in LEAKS.finditer(''.join(t))]
        return '\n'.join(sorted(set(found)))
    results.timed('outputs: no machine paths, errors or warnings', check)


def in_sync(results, tmp):
    "Notebooks are clean, modules are what they export, README follows index.ipynb."
    results.timed('sync: notebooks, modules, README', sync.check)


def run_all(
    results,     # Where the results go
    kind,        # Word before each notebook's name
    root,        # Copy of the project
    paths,       # Notebooks in it
    command,     # Runs the notebook whose path follows it
    env,         # Changes to the environment
    timeout,     # Seconds for one notebook
    word='',     # Must be in the output of a run that ended well
):
    "Notebooks two at a time, each in a process of its own; then the slowest. None at all is a failure."
    if not paths: return results.add(f'{kind}s: there are none', False, 0)
    def one(path):
        start = time.time()
        ok, out = run([*command, path], root, {**ONE_THREAD, 'PYTHONPATH': str(root), **env}, timeout)
        return path, ok and word in out, out, time.time() - start
    times = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for path, ok, out, seconds in pool.map(one, paths):
                results.add(f'{kind}: {path.stem}', ok, seconds, out)
                times[path.name] = seconds
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            stop()
            raise
    slowest = sorted(times.items(), key=lambda item: -item[1])[:5]
    print('       slowest: ' + ', '.join(f'{name} {seconds:.0f} s' for name, seconds in slowest), flush=True)
    if not os.environ.get('PSSR_DATA'):
        real = [p for p in paths if 'PSSR_DATA' in code(p)]
        results.skipped += real
        if real: print('       PSSR_DATA is not set: skipped the real-data tests of ' + ', '.join(p.stem for p in real))


def code(path):
    "All code of a notebook."
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    return '\n'.join(''.join(c['source']) for c in cells if c['cell_type'] == 'code')


def library(results, tmp):
    "The tests in every library notebook, as `nbdev_test` runs them."
    root = snapshot(Path(tmp) / 'library')
    # nbdev_test also ends well when it finds nothing to test: insist on its own word that it did
    run_all(results, 'notebook', root, notebooks(root), [BIN / 'nbdev_test', '--n_workers', '0', '--path'], {}, 600, 'Success.')


def experiments(results, tmp):
    "Every experiment and tutorial, top to bottom in a fresh kernel, with the smallest preset."
    root = snapshot(Path(tmp) / 'experiments')
    env = {'PSSR_PRESET': 'smoke', 'PSSR_RESULTS': str(Path(tmp) / 'results')}
    command = [BIN / 'python', ROOT / 'tools' / 'notebooks.py', '--dry']
    run_all(results, 'experiment', root, notebooks(root, 'experiments'), command, env, 1800)
    tutorials = notebooks(root, 'tutorials')
    if tutorials: run_all(results, 'tutorial', root, tutorials, command, env, 1800)


def build(tmp):
    "The wheel, built from a copy of the tree: (path, '') or (None, what went wrong)."
    root = snapshot(Path(tmp) / 'source')
    ok, out = run([BIN / 'python', '-m', 'pip', 'wheel', '-q', '--no-deps', '--no-build-isolation', '--no-index',
                   '-w', Path(tmp) / 'wheel', root], tmp)
    return (next(Path(tmp, 'wheel').glob('*.whl')), '') if ok else (None, out)


IMPORT_ALL = '''
import importlib, pkgutil, pssr, sys
for m in pkgutil.walk_packages(pssr.__path__, 'pssr.'): importlib.import_module(m.name)
assert pssr.__file__.startswith(sys.prefix), f'{pssr.__file__} is not the installed package'
'''
TIF = "import numpy, tifffile; tifffile.imwrite('small.tif', numpy.arange(600, dtype='uint8').reshape(20, 30))"


def wheel(results, tmp):
    "The wheel, installed where there is no checkout, imports, and its command runs."
    tmp = Path(tmp).resolve()
    env, away = tmp / 'installed', tmp / 'away'
    away.mkdir()
    def install():
        file, problem = build(tmp)
        if problem: return problem
        for command in ([BIN / 'python', '-m', 'venv', '--without-pip', env],
                        [BIN / 'python', '-m', 'pip', '-q', '--python', env / 'bin' / 'python', 'install', '--no-deps',
                         '--no-index', '--ignore-installed', file]):
            ok, out = run(command, away)
            if not ok: return out
        # what the wheel needs comes from .venv; a plain path, so that the editable checkout does not come with it
        site = next(env.glob('lib/python*/site-packages'))
        (site / 'requirements.pth').write_text(next(BIN.parent.glob('lib/python*/site-packages')).as_posix() + '\n')
    results.timed('wheel: builds and installs', install)
    if results.failed and results.failed[-1].startswith('wheel'): return
    python, pssr = env / 'bin' / 'python', env / 'bin' / 'pssr'
    run([python, '-c', TIF], away)
    for name, command, expect in (
        ('imports outside the checkout', [python, '-c', IMPORT_ALL], ''),
        ('pssr --help', [pssr, '--help'], 'usage'),
        ('pssr info', [pssr, 'info', 'small.tif'], '20'),
        ('pssr data list', [pssr, 'data', 'list'], ''),
    ):
        def check(command=command, expect=expect):
            ok, out = run(command, away, {'PYTHONPATH': None})
            return '' if ok and re.search(expect, out, re.I) else out or 'no output'
        results.timed(f'wheel: {name}', check)


STEPS = {'lint': lint, 'outputs': outputs, 'sync': in_sync, 'notebooks': library, 'experiments': experiments, 'wheel': wheel}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', choices=STEPS, help='one step')
    args = parser.parse_args()
    os.environ['JUPYTER_PREFER_ENV_PATH'] = '1'  # kernels of this environment, whatever the user has installed
    results, start = Results(), time.time()
    for name in [args.only] if args.only else STEPS:
        with tempfile.TemporaryDirectory(prefix='pssr-test-') as tmp: STEPS[name](results, Path(tmp).resolve())
    print(f'\n{time.time() - start:.0f} s in all')
    if results.failed: print('Failed: ' + ', '.join(results.failed))
    print(results.closing())
    return bool(results.failed)


if __name__ == '__main__':
    try: sys.exit(main())
    except KeyboardInterrupt: sys.exit('Interrupted')
