#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_html.py RENDERER - every sample page, read by a parser that is not ours.

Each page must be well formed (every element closed, in order), have one h1, a
title, a language, one main, a label for every field, and nothing that runs or
comes from elsewhere. Output is TAP.
"""
import os
import subprocess
import sys
import tempfile
from html.parser import HTMLParser

VOID = {'meta', 'link', 'input', 'img', 'br', 'hr'}


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.problems, self.count, self.text = [], [], {}, []
        self.ids, self.labels, self.fields, self.described = set(), set(), [], []
        self.scripts = 0

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        a = dict(attributes)
        if len(names) != len(set(names)):
            self.problems.append(f'{tag}: an attribute twice')
        self.count[tag] = self.count.get(tag, 0) + 1
        self.check_attributes(tag, a)
        if tag not in VOID:
            self.open.append(tag)

    def check_attributes(self, tag, a):
        if 'id' in a:
            if a['id'] in self.ids:
                self.problems.append(f'id {a["id"]} twice')
            self.ids.add(a['id'])
        for name in a:
            if name.startswith('on') or name == 'style':
                self.problems.append(f'{tag} has {name}')
        for name in ('src', 'href', 'action'):
            value = a.get(name, '/')
            if not value.startswith('/') and tag != 'form':
                self.problems.append(f'{tag} leads to {value}')
        if tag == 'script':
            self.scripts += 1
            if not a.get('nonce'):
                self.problems.append('a script without nonce')
        if tag == 'img' and not {'alt', 'width', 'height'} <= a.keys():
            self.problems.append('an image without alt or size')
        if tag == 'label' and 'for' in a:
            self.labels.add(a['for'])
        if tag == 'input' and a.get('type') != 'hidden' and 'label' not in self.open:
            self.fields.append(a.get('id'))
        self.described += a.get('aria-describedby', '').split()
        if tag == 'html' and not a.get('lang'):
            self.problems.append('no language')

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f'</{tag}> out of order, line {self.getpos()[0]}')

    def handle_data(self, data):
        self.text.append(data)

    def finish(self, may_script):
        for tag in ('html', 'head', 'title', 'body', 'main', 'h1'):
            if self.count.get(tag, 0) != 1:
                self.problems.append(f'{self.count.get(tag, 0)} times <{tag}>')
        if self.open:
            self.problems.append(f'never closed: {self.open}')
        for field in self.fields:
            if field not in self.labels:
                self.problems.append(f'field {field} has no label')
        for name in self.described:
            if name not in self.ids:
                self.problems.append(f'described by {name}, which is not there')
        if self.scripts != (1 if may_script else 0):
            self.problems.append(f'{self.scripts} scripts')
        if '{{' in ''.join(self.text):
            self.problems.append('a tag of the template is left over')
        return self.problems


def check(directory, name):
    page = Page()
    with open(os.path.join(directory, name), encoding='utf-8') as file:
        text = file.read()
    if not text.startswith('<!doctype html>\n'):
        page.problems.append('does not begin with a doctype')
    page.feed(text)
    page.close()
    return page.finish(name == 'form_post.html')


def main(renderer):
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([renderer, directory], check=True)
        names = sorted(n for n in os.listdir(directory) if n.endswith('.html'))
        print(f'TAP version 13\n1..{len(names)}')
        for number, name in enumerate(names, 1):
            problems = check(directory, name)
            failures += bool(problems)
            print(f'{"not ok" if problems else "ok"} {number} - {name}')
            for problem in problems:
                print(f'# {problem}')
    return 1 if failures or not names else 0


sys.exit(main(sys.argv[1]))
