#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""terminal - a person at a terminal of their own, for terminal.test.mjs.

usage: terminal.py KEYS COMMAND...

Types each of KEYS (a JSON list of [text to wait for, what is typed or the name of a
signal]) and prints as JSON what was shown, how the command ended, and whether the
terminal echoes afterwards.
"""
import json
import os
import pty
import select
import signal
import sys
import termios
import time

keys, command = json.loads(sys.argv[1]), sys.argv[2:]
terminal, keeper = pty.openpty()  # ours stays open when the command has ended
pid = os.fork()
if pid == 0:
    os.login_tty(keeper)
    os.execv(command[0], command)
shown, until = b'', time.monotonic() + 60
ended = 0
while not ended and time.monotonic() < until:
    if select.select([terminal], [], [], 0.05)[0]:
        shown += os.read(terminal, 4096)
    if keys and shown.count(keys[0][0].encode()) > 0 and shown.endswith(b': '):
        time.sleep(0.2)  # the prompt is written before the echo goes
        typed = keys.pop(0)[1]
        if typed.startswith('SIG'):
            os.kill(pid, getattr(signal, typed))
        else:
            os.write(terminal, typed.encode())
    ended, status = os.waitpid(pid, os.WNOHANG)
print(json.dumps({
    'shown': shown.decode(errors='replace'),
    'ended': bool(ended),
    'status': os.WEXITSTATUS(status) if ended and os.WIFEXITED(status) else None,
    'signal': signal.Signals(os.WTERMSIG(status)).name if ended and os.WIFSIGNALED(status) else None,
    'echoes': bool(termios.tcgetattr(keeper)[3] & termios.ECHO),
}))
