"""Write `constraints.txt`: the exact set of packages that a fresh installation resolves to.

    python tools/constraints.py python3.11 python3.10

The first interpreter decides for its own version and all newer ones; the second only where an older Python needs
another release. Nothing is installed: pip resolves and reports. Run `make test` before committing the result.
"""
import json
import re
import subprocess
import sys
import tempfile
from configparser import ConfigParser
from pathlib import Path

from install import ROOT, python

# nbdev 2 needs fastcore 1, and these are the last of their kind that import together with it.
HELD = ['fastai==2.8.7', 'fastcore==1.14.5', 'fasttransform==0.0.2', 'plum-dispatch==2.9.0', 'fastprogress==1.1.6']
HEAD = """\
# The exact set that `make test` ran with. Written by `make constraints`; `make` installs from it.
# Python 3.11 is what CI tests on every change. Lines marked python_version < "3.11" are the last releases for 3.10.
"""


def resolve(interpreter):
    "{name: version} of what pip would install for the library and its development extras under this Python."
    config = ConfigParser(delimiters=['='])
    config.read(ROOT / 'settings.ini', encoding='utf-8')
    needs = (config['DEFAULT']['requirements'] + ' ' + config['DEFAULT']['dev_requirements']).split()
    with tempfile.TemporaryDirectory() as tmp:
        venv, report, held = Path(tmp, 'venv'), Path(tmp, 'report.json'), Path(tmp, 'held.txt')
        subprocess.run([interpreter, '-m', 'venv', venv], check=True)
        held.write_text('\n'.join(HELD))
        subprocess.run([python(venv), '-m', 'pip', 'install', '-q', '--upgrade', 'pip'], check=True)
        subprocess.run([python(venv), '-m', 'pip', 'install', '-q', '--dry-run', '--ignore-installed',
                        '--report', report, '-c', held, *needs], check=True)
        found = json.loads(report.read_text())['install']
    return {re.sub('[-_.]+', '-', i['metadata']['name'].lower()): i['metadata']['version'] for i in found}


def main(newer, older=None):
    new = resolve(newer)
    old = resolve(older) if older else new
    lines = []
    for name in sorted(new | old):
        if new.get(name) == old.get(name): lines.append(f'{name}=={new[name]}')
        if name in new and new[name] != old.get(name): lines.append(f'{name}=={new[name]} ; python_version >= "3.11"')
        if name in old and old[name] != new.get(name): lines.append(f'{name}=={old[name]} ; python_version < "3.11"')
    (ROOT / 'constraints.txt').write_text(HEAD + '\n'.join(lines) + '\n', encoding='utf-8')


if __name__ == '__main__': main(*sys.argv[1:])
