#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""shell - somebody at a shell who presses Tab, for completion.test.mjs.

usage: shell.py bash|zsh DIRECTORY LINES

Types each of LINES (a JSON list) and Tab into a shell at a terminal of its own, which has
the completion in DIRECTORY and nothing else of anybody's, and prints as a JSON list what
became of each line, and which words were listed below it.
"""
import json
import os
import pty
import re
import select
import sys
import tempfile
import time

LIMIT = float(os.environ.get('LATCHKEY_SLOW', 1)) * 60  # seconds for each line
SHOW = '\x1e'  # a key, and no beginning of others, that shows the line and empties it

BASH = r'''
PS1='ready> '
source DIRECTORY/latchkey.bash
bind 'set show-all-if-ambiguous on'
bind 'set page-completions off'
bind 'set completion-query-items -1'
bind 'set enable-bracketed-paste off'
show() { printf 'LINE[%s]\n' "$READLINE_LINE"; READLINE_LINE= READLINE_POINT=0; }
bind -x '"\x1e": show'
'''

ZSH = r'''
PS1='ready> '
unsetopt prompt_sp auto_menu
unset zle_bracketed_paste
LISTMAX=1000
fpath=(DIRECTORY $fpath)
autoload -Uz compinit && compinit -u -D
show() { zle -I; print -r -- "LINE[$BUFFER]"; BUFFER=; }
zle -N show
bindkey $'\x1e' show
'''


def read_until(terminal, pattern):
    """What was shown until the pattern, and its first group."""
    shown, until = '', time.monotonic() + LIMIT
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 65536).decode(errors='replace')
        match = re.search(pattern, shown, re.S)
        if match:
            return shown[:match.start()], match.group(1)
    sys.exit(f'never saw {pattern}:\n{shown}')


def start(shell):
    """Its terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM='dumb', LC_ALL='C.UTF-8', COLUMNS='200', LINES='200')
        os.execvp(shell, {'bash': ['bash', '--norc', '--noprofile', '-i'],
                          'zsh': ['zsh', '-f', '-i']}[shell])
    return pid, terminal


def main():
    shell, directory, lines = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    pid, terminal = start(shell)
    with tempfile.NamedTemporaryFile('w') as setup:
        setup.write((BASH if shell == 'bash' else ZSH).replace('DIRECTORY', directory))
        setup.flush()
        os.write(terminal, f'source {setup.name}; echo set "up"\n'.encode())
        read_until(terminal, r'(set up)\r?\n')
    told = []
    for line in lines:
        os.write(terminal, (line + '\t' + SHOW).encode())
        shown, became = read_until(terminal, r'LINE\[(.*?)\]\r?\n')
        told.append({'line': became, 'listed': shown.split()})
    os.close(terminal)
    os.waitpid(pid, 0)
    print(json.dumps(told))


main()
