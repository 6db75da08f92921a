"""Write README.md from nbs/index.ipynb, without Quarto; `--check` only says whether it is up to date.

Markdown cells are taken as they are, code as fenced blocks, its text outputs below it. Cells marked `#| hide` are
left out, and so is the code of cells marked `#| echo: false`.
"""
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTE = '<!-- Written from nbs/index.ipynb by `make readme`: change the notebook, not this file. -->\n\n'


def text(output):
    "The text of one output, without terminal colours; '' when it is a picture or an error."
    data = output.get('data', {})
    if 'image/png' in data: return ''
    source = output.get('text') or data.get('text/markdown') or data.get('text/plain') or ''
    return re.sub(r'\x1b\[[0-9;]*m', '', ''.join(source)).rstrip()


def readme(
    notebook,  # Path of index.ipynb
):             # Markdown
    "The notebook as a page that reads well on its own."
    parts = []
    for cell in json.loads(Path(notebook).read_text(encoding='utf-8'))['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] == 'markdown': parts.append(source)
        if cell['cell_type'] != 'code' or re.search(r'^#\|\s*hide\s*$', source, re.M): continue
        code = re.sub(r'^#\|.*\n?', '', source, flags=re.M).strip()
        shell = code.startswith('!')
        if shell: code = re.sub(r'^!\s*', '', code, flags=re.M)
        if code and not re.search(r'^#\|\s*echo:\s*false', source, re.M):
            parts.append(f'```{"sh" if shell else "python"}\n{code}\n```')
        for output in cell['outputs']:
            out = text(output)
            if out: parts.append(out if 'text/markdown' in output.get('data', {}) else f'```\n{out}\n```')
    return NOTE + '\n\n'.join(p.strip() for p in parts if p.strip()) + '\n'


def write(root, check=False):
    "Write `root`/README.md, or with `check` compare: True when it was up to date."
    target, new = Path(root, 'README.md'), readme(Path(root, 'nbs', 'index.ipynb'))
    same = target.exists() and target.read_text(encoding='utf-8') == new
    if not same and not check: target.write_text(new, encoding='utf-8')
    return same


if __name__ == '__main__':
    if not write(ROOT, check='--check' in sys.argv) and '--check' in sys.argv:
        sys.exit('README.md does not follow nbs/index.ipynb: run `make readme`')
