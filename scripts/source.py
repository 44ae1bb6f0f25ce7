# SPDX-License-Identifier: Apache-2.0
"""source.py - what the check scripts share: finding C files, reading past comments."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files(*suffixes, below='.'):
    """Files of the tree (tracked, or new and not ignored), sorted."""
    names = subprocess.run(
        ['git', '-C', ROOT, 'ls-files', '-co', '--exclude-standard', '--', below],
        capture_output=True, text=True, check=False)
    if names.returncode == 0:
        found = [ROOT / n for n in names.stdout.splitlines()]
    else:  # a tarball, not a clone
        found = [p for p in (ROOT / below).rglob('*')
                 if not {'node_modules', '.git'} & set(p.parts)
                 and not any(part.startswith('build') for part in p.relative_to(ROOT).parts)]
    return sorted({p for p in found if p.is_file() and (not suffixes or p.suffix in suffixes)})


def code_only(text):
    """The text with comments and the insides of literals blanked, line by line."""
    def blank(match):
        found = match.group(0)
        if found[0] in '"\'':
            return found[0] + ' ' * (len(found) - 2) + found[0]
        return re.sub(r'[^\n]', ' ', found)
    return _TOKEN.sub(blank, text)


def relative(path):
    return str(path.relative_to(ROOT))


def finish(problems, what_to_do):
    """Ends the script: silent success, or each problem and then what to do."""
    for problem in problems:
        print(problem)
    if problems:
        print(what_to_do)
        sys.exit(1)
    sys.exit(0)
