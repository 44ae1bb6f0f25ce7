/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the commands by name; commands.def is the list. */
#ifndef LATCHKEY_CLI_COMMANDS_H
#define LATCHKEY_CLI_COMMANDS_H

#include "cli/cli.h"

#define COMMAND(name) extern const struct command command_##name;
#include "cli/commands.def"
#undef COMMAND

#endif
