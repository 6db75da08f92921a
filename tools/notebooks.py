"""Run notebooks top to bottom, each in a fresh kernel.

    python tools/notebooks.py                      every notebook, in place: outputs are kept, then cleaned
    python tools/notebooks.py nbs/01_io.ipynb      only these
    python tools/notebooks.py --dry nbs/...        keep nothing; only say whether they run
"""
import argparse
import os
import re
import sys
import time
from configparser import ConfigParser
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from common import BIN, ROOT, notebooks, run

SETTINGS = ConfigParser(delimiters=['='])
SETTINGS.read(ROOT / 'settings.ini', encoding='utf-8')
SKIP = SETTINGS['DEFAULT']['tst_flags'].split()  # cells with these flags are left out, as nbdev_test does


def left_out(cell):
    "Cells that do not run: marked so, or the export at the end (the tools do that themselves)."
    flags = re.findall(r'^#\|\s*(.+?)\s*$', cell.source, re.M)
    return 'nbdev_export()' in cell.source or any(f in SKIP or re.fullmatch(r'eval:\s*false', f, re.I) for f in flags)


def execute(
    path,           # Notebook
    save=False,     # Keep the outputs in the file?
    timeout=3600,   # Seconds per cell
):
    "Run one notebook in its own folder. The first error ends it: `CellExecutionError`."
    path = Path(path).resolve()
    nb = nbformat.read(path, as_version=4)
    trial = nbformat.NotebookNode({**nb, 'cells': [c for c in nb.cells if c.cell_type != 'code' or not left_out(c)]})
    client = NotebookClient(trial, timeout=timeout, kernel_name='python3', extra_arguments=['--log-level=40'],
                            resources={'metadata': {'path': str(path.parent)}})
    client.execute()  # the cells of `trial` are those of `nb`, so their outputs land in both
    if not save: return
    for cell in nb.cells:  # progress bars are for who watches, not for who reads
        if 'outputs' in cell: cell.outputs = [o for o in cell.outputs if o.get('name') != 'stderr']
    nbformat.write(nb, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('paths', nargs='*', type=Path, help='notebooks; all of them when none is named')
    parser.add_argument('--dry', action='store_true', help='keep no outputs')
    args = parser.parse_args()
    os.environ.setdefault('JUPYTER_PREFER_ENV_PATH', '1')
    if not args.dry and not os.environ.get('PSSR_DATA'): print('PSSR_DATA is not set: outputs will show no real data')
    kinds = ('library', 'experiments', 'tutorials')
    for path in args.paths or [p for kind in kinds for p in notebooks(ROOT, kind)]:
        start = time.time()
        try: execute(path, save=not args.dry)
        except CellExecutionError as e:
            print(f'{path}: failed\n{e}', flush=True)
            return 1
        print(f'{path.name}: {time.time() - start:.0f} s', flush=True)
        if not args.dry: run([BIN / 'nbdev_clean', '--fname', path.resolve()], ROOT)
    return 0


if __name__ == '__main__': sys.exit(main())
