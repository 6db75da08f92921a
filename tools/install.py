"""Make `.venv` ready: create it, install what `constraints.txt` names and the project itself, editable.

Runs under the user's own Python and needs nothing but pip. When neither `settings.ini` nor `constraints.txt` has
changed since the last time it returns at once. The environment variable PYTHON, when set, chooses the interpreter.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / '.venv'
MINIMUM = (3, 10)


def python(venv):
    "The interpreter of an environment."
    return venv / ('Scripts/python.exe' if os.name == 'nt' else 'bin/python')


def version(venv):
    "Python version of an environment as '3.11'; '' if there is none or it does not start."
    code = 'import sys; print("%d.%d" % sys.version_info[:2])'
    try: done = subprocess.run([str(python(venv)), '-c', code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError: return ''
    return done.stdout.decode().strip() if done.returncode == 0 else ''


def create(venv):
    "A fresh environment with pip in it, also where Python came without `ensurepip` (as on Debian)."
    shutil.rmtree(str(venv), ignore_errors=True)
    done = subprocess.run([sys.executable, '-m', 'venv', str(venv)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        shutil.rmtree(str(venv), ignore_errors=True)
        subprocess.run([sys.executable, '-m', 'venv', '--without-pip', str(venv)], check=True)
        subprocess.run([sys.executable, '-m', 'pip', '--python', str(python(venv)), 'install', '-q', 'pip'], check=True)
    pip(venv, 'pip>=23.1')


def pip(venv, *args):
    "pip install, quiet unless someone is watching."
    quiet = [] if sys.stdout.isatty() else ['-q']
    command = [str(python(venv)), '-m', 'pip', 'install', '--disable-pip-version-check', *quiet, *args]
    subprocess.run(command, cwd=str(ROOT), check=True)


def wanted():
    "What the stamp must say for the environment to be up to date. The path is in it: environments cannot be moved."
    digest = hashlib.sha256()
    for name in ('settings.ini', 'constraints.txt'): digest.update((ROOT / name).read_bytes())
    return str(ROOT) + '\n' + digest.hexdigest() + '\n'


def main():
    if sys.version_info < MINIMUM:
        return 'pssr needs Python %d.%d or newer, this is %s: set PYTHON, for example PYTHON=python3.11 make test' % (
            MINIMUM + (sys.version.split()[0],))
    here, stamp, have = '%d.%d' % sys.version_info[:2], VENV / '.ready', version(VENV)
    chosen = os.environ.get('PYTHON')  # only an explicit choice replaces a working environment of another version
    if not have or (chosen and have != here) or (stamp.exists() and stamp.read_text().split('\n')[0] != str(ROOT)):
        print('Creating .venv with Python ' + here, flush=True)
        create(VENV)
    elif stamp.exists() and stamp.read_text() == wanted():
        return 0
    stamp.unlink() if stamp.exists() else None
    print('Installing into .venv: 2 to 3 minutes and 6.5 GB the first time', flush=True)
    start = time.time()
    pip(VENV, '-c', 'constraints.txt', '-e', '.[dev]')
    stamp.write_text(wanted())
    print('Installed in %.0f s' % (time.time() - start), flush=True)
    return 0


if __name__ == '__main__':
    try: sys.exit(main())
    except subprocess.CalledProcessError as e: sys.exit('Installing failed (exit code %d): see the lines above' % e.returncode)
