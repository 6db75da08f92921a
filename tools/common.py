"""What the tools share: a snapshot of the working tree, and processes that cannot outlive their time."""
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent  # not resolved: the environment's own folder
RUNNING = set()


def files():
    "Every file that belongs to the project: tracked, or new and not ignored. Paths relative to the root."
    command = ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
    git = shutil.which('git') and subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if git and git.returncode == 0: names = {Path(n) for n in git.stdout.split('\0') if n}
    else:  # unpacked from an archive: everything but environments, caches and what was built
        skip = ('.venv', '.venv-newest', '.git', '.ruff_cache', '__pycache__', 'build', 'dist', '.ipynb_checkpoints')
        names = {p.relative_to(ROOT) for p in ROOT.rglob('*') if p.is_file()}
        names = {n for n in names if not any(part in skip or part.endswith('.egg-info') for part in n.parts)}
    return sorted(n for n in names if (ROOT / n).is_file())


def snapshot(
    folder,  # New folder to copy into
):           # The folder
    "A copy of the working tree as it is now. Tests run in it: they leave no trace, and edits do not disturb them."
    for name in files():
        target = Path(folder) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return Path(folder)


def run(
    command,       # Program and arguments
    cwd,           # Where it runs
    env=None,      # Changes to the environment; None as a value removes a variable
    timeout=600,   # Seconds after which it and all its children are stopped
):                 # (ended well, its output)
    "Run a command to its end, quietly."
    env = {k: v for k, v in {**os.environ, **(env or {})}.items() if v is not None}
    process = subprocess.Popen([str(c) for c in command], cwd=cwd, env=env, text=True, encoding='utf-8', errors='replace',
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    RUNNING.add(process)
    try: out, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        stop(process)
        return False, f'{process.communicate()[0]}\nStopped after {timeout} s'
    finally: RUNNING.discard(process)
    return process.returncode == 0, out


def stop(*processes):
    "End processes with all their children, kernels too; without arguments, all that `run` has started."
    for process in processes or list(RUNNING):
        try: os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError: pass


def notebooks(
    root,             # Project folder
    kind='library',   # 'library' (they export modules and hold tests), 'experiments' or 'tutorials'
):                    # Sorted paths
    "The notebooks of one kind; as for nbdev, names that start with _ or . and folders with a file `.notest` are left out."
    nbs = Path(root) / 'nbs'
    found = nbs.rglob('*.ipynb') if kind == 'library' else (nbs / kind).glob('*.ipynb')
    def wanted(p):
        parts = p.relative_to(nbs).parts
        if kind == 'library' and parts[0] in ('experiments', 'tutorials'): return False
        return not any(part[0] in '_.' for part in parts) and not (p.parent / '.notest').exists()
    return sorted(p for p in found if wanted(p))
