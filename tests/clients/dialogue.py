# SPDX-License-Identifier: Apache-2.0
"""dialogue.py - a client program's side of the talk with story.mjs."""
import json
import os
import sys
from urllib.parse import parse_qs, urlsplit

ISSUER = os.environ['ISSUER']
CLIENT_ID = os.environ['CLIENT_ID']
CLIENT_SECRET = os.environ['CLIENT_SECRET'] or None
REDIRECT_URI = os.environ['REDIRECT_URI']
SCOPE = os.environ['SCOPE']
CA_FILE = os.environ['CA_FILE']


def say(word, value=''):
    """Says a line and returns the answer."""
    text = value if isinstance(value, str) else json.dumps(value)
    print(f'{word} {text}'.strip(), flush=True)
    answer = sys.stdin.readline()
    if not answer:
        sys.exit('nobody answered')
    return answer.rstrip('\n')


def parameter(url, name):
    """The one value of that query parameter."""
    values = parse_qs(urlsplit(url).query)[name]
    assert len(values) == 1, url
    return values[0]
