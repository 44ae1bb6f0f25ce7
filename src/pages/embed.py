#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py OUTPUT SYMBOL FILE... - text files as a table of struct template_source.

Bytes are numbers, so no character needs escaping and no literal gets too long.
"""
import os
import sys


def rows(data):
    for at in range(0, len(data), 20):
        yield '\t' + ', '.join(str(byte) for byte in data[at:at + 20]) + ','


def main(output, symbol, *files):
    lines = ['/* SPDX-License-Identifier: Apache-2.0 */',
             '/* Made by embed.py; do not edit. */',
             '#include "pages/template.h"', '',
             f'extern const struct template_source {symbol}[];',
             f'extern const size_t {symbol}_count;']
    for i, path in enumerate(files):
        with open(path, 'rb') as file:
            lines += ['', f'static const unsigned char file_{i}[] = {{',
                      *rows(file.read()), '};']
    lines += ['', f'const struct template_source {symbol}[] = {{']
    for i, path in enumerate(files):
        lines.append(f'\t{{ "{os.path.basename(path)}", '
                     f'{{ (const char *)file_{i}, sizeof(file_{i}) }} }},')
    lines += ['};', f'const size_t {symbol}_count = {len(files)};', '']
    with open(output, 'w', encoding='ascii') as out:
        out.write('\n'.join(lines))


main(*sys.argv[1:])
