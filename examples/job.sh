#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# job.sh - a script that calls an API three ways.
#
# Its difference from webapp.c: somebody has connected "acme" before (`latchkey connect
# acme`), and what is a status there is an exit code here, which `set -e` acts on.
set -eu

# The command makes the call: no token is in the script's hands.
latchkey call --fail acme "$API"

# Another program makes it, and reads the token from a descriptor.
latchkey exec --header acme -- curl -sSf -H @/dev/fd/3 "$API"

# A program that has no descriptors to spare reads it from its standard input.
latchkey token --header acme | curl -sSf -H @- "$API"
