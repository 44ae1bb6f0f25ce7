#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""terminal - a person at a terminal of their own, for terminal.test.mjs.

usage: terminal.py KEYS COMMAND...

Types each of KEYS (a JSON list of [text to wait for, what is typed or the name of a
signal]) once it is asked for and the echo is off, and prints as JSON what was shown, how
the command ended, which text never came, and whether the terminal echoes afterwards.
"""
import json
import os
import pty
import select
import signal
import sys
import termios
import time

LIMIT = float(os.environ.get('LATCHKEY_SLOW', 1)) * 60  # seconds in which anything has to happen

keys, command = json.loads(sys.argv[1]), sys.argv[2:]
terminal, keeper = pty.openpty()  # ours stays open when the command has ended
until = time.monotonic() + LIMIT
shown = ''
fresh = 0  # where in it the next text to wait for may begin


def echoes():
    return bool(termios.tcgetattr(keeper)[3] & termios.ECHO)


def look(seconds):
    """What the command has written meanwhile; False: nothing."""
    global shown
    if not select.select([terminal], [], [], seconds)[0]:
        return False
    shown += os.read(terminal, 4096).decode(errors='replace')
    return True


def asked(text):
    return text in shown[fresh:] and shown.endswith(': ') and not echoes()


def answer(typed):
    global fresh
    fresh = len(shown)
    if typed.startswith('SIG'):
        os.kill(pid, getattr(signal, typed))
    else:
        os.write(terminal, typed.encode())


pid = os.fork()
if pid == 0:
    os.login_tty(keeper)
    os.execv(command[0], command)
ended, status = 0, 0
while not ended and time.monotonic() < until:
    look(0.02)
    if keys and asked(keys[0][0]):
        answer(keys.pop(0)[1])
    ended, status = os.waitpid(pid, os.WNOHANG)
while look(0):
    pass  # what it wrote last
if not ended:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
print(json.dumps({
    'shown': shown,
    'ended': bool(ended),
    'unasked': [text for text, _ in keys],
    'status': os.WEXITSTATUS(status) if ended and os.WIFEXITED(status) else None,
    'signal': signal.Signals(os.WTERMSIG(status)).name if ended and os.WIFSIGNALED(status) else None,
    'echoes': echoes(),
}))
