#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_docs.py ROOT - docs/PAGES.md names what templates may use, and nothing else.

The tables of src/pages/pages_types.c and the files of src/pages/templates are
compared with the manual, both ways. Output is TAP.
"""
import os
import re
import sys

root = sys.argv[1]


def read(name):
    with open(os.path.join(root, name), encoding='utf-8') as file:
        return file.read()


def report(number, what, missing):
    print(f'{"not ok" if missing else "ok"} {number} - {what}')
    for name in sorted(missing):
        print(f'# {name}')
    return bool(missing)


types, manual = read('src/pages/pages_types.c'), read('docs/PAGES.md')
fields = set(re.findall(r'FIELD_(?:TEXT|EXACT|FLAG|LIST|PART)\(\w+, (\w+)', types))
fields |= set(re.findall(r'FIELD_(?:MADE|ASKED)\("(\w+)"', types))
fields |= set(re.findall(r'\.name = "(\w+)"', types))
form_post = {'nonce'}  # of the one page that is not an operator's
table = manual[manual.index('| in | names'):manual.index('The form fields are fixed')]
said = {n for n in re.findall(r'`([\w]+)`', table)}
needed = set(re.findall(r'"(\w+)"', ''.join(
    re.findall(r'const char \*const \w+_needed\[\] = \{(.*?)\}', types, re.S))))
bold = set(re.findall(r'\*\*`(\w+)`\*\*', table))
files = set(os.listdir(os.path.join(root, 'src/pages/templates'))) - {'form_post.html'}

print('TAP version 13\n1..5')
failed = [
    report(1, 'every name is in the manual', fields - form_post - said),
    report(2, 'the manual knows no other name', said - fields),
    report(3, 'what must be shown is bold', needed - bold),
    report(4, 'nothing else is bold', bold - needed),
    report(5, 'every file is in the manual', {f for f in files if f'`{f}`' not in manual}),
]
sys.exit(1 if any(failed) or len(fields) < 40 else 0)
